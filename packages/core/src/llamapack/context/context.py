"""A context: the KV cache and working memory in which a model reads and writes tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llamapack._util.arguments import check_int
from llamapack.context.adapters import Adapters
from llamapack.context.batch import Batch, NativeBatch
from llamapack.context.handle import ContextHandle
from llamapack.context.memory import Memory
from llamapack.context.options import (
    Attention,
    CacheType,
    ContextOptions,
    FlashAttention,
    Pooling,
    RopeScaling,
    threads_to_compute,
)
from llamapack.context.outputs import Outputs
from llamapack.context.positions import check_sizes, place
from llamapack.context.state import State
from llamapack.errors import InputError, StateError
from llamapack.model import Model


class Context(ContextHandle):
    """A context of a model; it keeps the model alive. One thread at a time may use it.

    `decode` reads tokens; then `outputs` has logits or embeddings, and a Sampler can choose the next token. `memory` is
    what was read, by sequence; `state` saves and loads it; `adapters` are LoRA adapters and control vectors. Any thread
    may call `cancel`.
    """

    def __init__(
        self,
        model: Model,
        *,
        n_ctx: int | None = None,
        n_batch: int | None = None,
        n_ubatch: int | None = None,
        n_seq_max: int = 1,
        n_outputs_max: int | None = None,
        n_threads: int | None = None,
        n_threads_batch: int | None = None,
        flash_attention: FlashAttention = "auto",
        type_k: CacheType = "f16",
        type_v: CacheType = "f16",
        kv_unified: bool | None = None,
        swa_full: bool = True,
        offload_kqv: bool = True,
        op_offload: bool = True,
        embeddings: bool = False,
        pooling: Pooling | None = None,
        attention: Attention | None = None,
        rope_scaling: RopeScaling | None = None,
        rope_freq_base: float | None = None,
        rope_freq_scale: float | None = None,
        yarn_ext_factor: float | None = None,
        yarn_attn_factor: float | None = None,
        yarn_beta_fast: float | None = None,
        yarn_beta_slow: float | None = None,
        yarn_orig_ctx: int | None = None,
        abort: Callable[[], object] | None = None,
    ) -> None:
        """Make a context for `model`.

        Sizes, in tokens: `n_ctx` is how many the context can hold (default: 4096, or less if the model was trained with
        less; llama.cpp rounds up to a multiple of 256). `n_batch` and `n_ubatch` are how many are submitted and
        computed at once (default: 2048 and 512). `n_seq_max` is the number of sequences, that is of independent texts:
        each gets an equal part of `n_ctx`, or with `kv_unified` they share it as needed. `n_outputs_max` limits the
        outputs of a batch, and with it the memory for logits (default: n_batch).

        `n_threads` and `n_threads_batch` are the numbers of threads for single tokens and for batches (default:
        `llamapack.threads.default_threads`). `flash_attention` is "auto" (used if all devices support it), "on" or
        "off". `type_k` and `type_v` are the types of the KV cache; a quantized `type_v` needs flash attention.
        `swa_full` keeps all tokens in the cache of models with sliding-window attention, not only those in the window.
        `offload_kqv` puts the cache on the devices of its layers; `op_offload` moves large computations of CPU layers
        to a device.

        `embeddings` makes the context compute embeddings: one per text, pooled as `pooling` says (default: as the model
        was made for), or one per token with "none"; "rank" gives a reranker's scores. `attention` is "causal" or
        "non-causal" (default: the model's own). `rope_*` and `yarn_*` extend the positions beyond the training length
        (default: the model's own values).

        `abort` is called about ten times a second during a computation. If it returns a true value, the call stops with
        CancelledError; an exception in it is raised by the call.

        Raises InputError for numbers out of range and for options that exclude each other, and DecodeError if llama.cpp
        cannot make the context.
        """
        options = ContextOptions(
            n_ctx=n_ctx,
            n_batch=n_batch,
            n_ubatch=n_ubatch,
            n_seq_max=n_seq_max,
            n_outputs_max=n_outputs_max,
            n_threads=n_threads,
            n_threads_batch=n_threads_batch,
            flash_attention=flash_attention,
            type_k=type_k,
            type_v=type_v,
            kv_unified=kv_unified,
            swa_full=swa_full,
            offload_kqv=offload_kqv,
            op_offload=op_offload,
            embeddings=embeddings,
            pooling=pooling,
            attention=attention,
            rope_scaling=rope_scaling,
            rope_freq_base=rope_freq_base,
            rope_freq_scale=rope_freq_scale,
            yarn_ext_factor=yarn_ext_factor,
            yarn_attn_factor=yarn_attn_factor,
            yarn_beta_fast=yarn_beta_fast,
            yarn_beta_slow=yarn_beta_slow,
            yarn_orig_ctx=yarn_orig_ctx,
        )
        super().__init__(model, options, abort)

    @property
    def n_used(self) -> int:
        """The number of filled positions of the first sequence."""
        with self.exclusive():
            return self.last_position(0) + 1

    # The views are made on each access: if the context kept them, the reference cycle would delay freeing it.

    @property
    def outputs(self) -> Outputs:
        """The outputs of the last batch: logits and embeddings."""
        return Outputs(self)

    @property
    def memory(self) -> Memory:
        """What was read, by sequence and position."""
        return Memory(self)

    @property
    def state(self) -> State:
        """Save the memory, and load it again."""
        return State(self)

    @property
    def adapters(self) -> Adapters:
        """The LoRA adapters and control vectors in use."""
        return Adapters(self)

    def set_threads(self, n_threads: int, n_threads_batch: int | None = None) -> None:
        """Change the numbers of threads; raises InputError for numbers out of range.

        More threads than processors are a ThreadsWarning.
        """
        single = threads_to_compute("n_threads", n_threads)
        batch = single if n_threads_batch is None else threads_to_compute("n_threads_batch", n_threads_batch)
        with self.exclusive():
            self.change_threads(single, batch)

    def decode(self, tokens: Sequence[int] | Batch) -> None:
        """Read `tokens` into the first sequence, after its last token; then the next token can be sampled.

        A Batch names its own sequences, positions and outputs. A list has one output, of its last token, and may be
        longer than n_batch. If a call is stopped or fails, the tokens computed so far stay in memory.

        Raises InputError for no tokens, unknown tokens, and a batch that does not fit the context; PromptTooLongError
        or CacheFullError if there is no room left; CancelledError if it was stopped; DecodeError if llama.cpp fails.
        """
        with self.exclusive():
            if self.needs_encoding and not self.has_encoded:
                raise StateError("There is nothing to decode from.", fix="Encode a text first: Context.encode.")
            if isinstance(tokens, Batch):
                self.submit(self._laid_out(tokens, encode=False))
            else:
                self._decode_tokens(tokens)

    def encode(self, tokens: Sequence[int] | Batch) -> None:
        """Read `tokens` with a model's encoder: before `decode` in an encoder-decoder model, or with an encoder alone.

        Raises InputError for models without an encoder, and the errors of `decode`.
        """
        if self.has_memory and not self.model.has_encoder:
            raise InputError("This model has no encoder.", fix="Use Context.decode.")
        batch = tokens
        if not isinstance(batch, Batch):
            batch = Batch()
            batch.add(tokens)  # type: ignore[arg-type]  # not a Batch here
        with self.exclusive():
            self.submit(self._laid_out(batch, encode=True), encode=True)
            self.has_encoded = True

    def shift(self, n_keep: int = 0, n_discard: int | None = None, *, sequence: int = 0) -> int:
        """Make room in a full sequence: keep its first `n_keep` tokens, remove the next ones, move up the rest.

        `n_discard` is how many are removed (default: half of those after `n_keep`). Returns how many were removed. The
        result is an approximation: the remaining tokens were computed with the removed ones in view.

        Raises InputError for numbers that do not fit, and StateError if positions cannot be moved.
        """
        memory = self.memory
        bounds = memory.bounds(sequence)
        used = 0 if bounds is None else bounds[1] + 1
        kept = check_int("n_keep", n_keep, least=0)
        discarded = (used - kept) // 2 if n_discard is None else check_int("n_discard", n_discard)
        if kept + discarded > used or discarded < 1:
            raise InputError(
                f"Sequence {sequence} has {used} tokens: {kept} cannot be kept and {max(discarded, 1)} removed."
            )
        if not memory.can_shift:
            memory.shift(sequence, -1)  # raises StateError with the reason
        memory.remove(sequence, kept, kept + discarded)
        memory.shift(sequence, -discarded, kept + discarded)
        return discarded

    def _decode_tokens(self, tokens: Sequence[int]) -> None:
        count = len(tokens)
        if not count:
            raise InputError("There are no tokens to decode.")
        checked = self._checked(tokens)
        self.check_room(count)
        step = self.n_batch
        if self.options.embeddings or not self.has_memory:
            check_sizes(self, count, 1, encode=False)
        elif count == 1:
            self.decode_one(checked[0])  # one token is the common case; building a batch for it would take longer
            return
        for start in range(0, count, step):
            batch = Batch()
            batch.add_checked(checked[start : start + step])
            self.submit(self._laid_out(batch, encode=False))

    def _checked(self, tokens: Sequence[int]) -> list[int]:
        """Return `tokens` as Python ints; raises InputError for tokens that are not in the vocabulary."""
        size, found = self.n_vocab, []
        for token in tokens:
            checked: object = token
            if isinstance(checked, bool) or not hasattr(checked, "__index__"):
                raise InputError(f"A token must be a whole number, not {token!r}.")
            if not 0 <= token < size:
                raise InputError(f"There is no token {token}: the vocabulary has {size} tokens, from 0.")
            found.append(int(token))
        return found

    def _laid_out(self, batch: Batch, *, encode: bool) -> NativeBatch:
        every = self.options.embeddings or encode
        content = batch.content
        sections = self.facts.n_pos_per_embd if content.rows else 1
        return NativeBatch(content, place(self, content, encode=encode), all_outputs=every, sections=sections)
