"""A native context and the calls on it, which the other modules here and the sampler use.

Context is the public class on top of it. Its views (memory, outputs, state, adapters) and the sampler import this class
only, so that no modules import each other.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from llamapack._native import _generated as api
from llamapack._native.calls import stop_at_exit
from llamapack._native.exclusive import ExclusiveUse
from llamapack._native.library import native
from llamapack._native.log import captured_errors, reason_in
from llamapack._native.owner import Lifetime, Owner
from llamapack.context.native_context import NativeContext
from llamapack.context.options import POOLINGS, ContextOptions, native_params
from llamapack.context.output_rows import OutputRows
from llamapack.errors import CacheFullError, DecodeError, InputError, LlamapackError, PromptTooLongError, StateError
from llamapack.model import Model

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from llamapack.context.batch import NativeBatch
    from llamapack.model.lora import LoraAdapter


class TokenChooser(Protocol):
    """What `ContextHandle.step` needs to get the next token; Sampler implements it."""

    def choose(self, context: ContextHandle, index: int = -1, /) -> int:
        """Return the token after the output at `index`, and accept it."""


class ContextHandle(Owner[api.llama_context_p]):
    """A native context: sizes, the lock for its one user, and the calls on it. Use Context.

    Members documented as "for this package" are not part of the public interface.
    """

    _kind = "context"

    def __init__(self, model: Model, options: ContextOptions, abort: Callable[[], object] | None) -> None:
        """Make a native context for `model`."""
        if not isinstance(model, Model):
            raise InputError(f"A context is made for a Model, not {model!r}.")
        self.model = model
        self.options = options
        params = native_params(model, options)
        self._native_context = NativeContext(model, params)
        super().__init__(self._native_context.pointer, self._native_context.free, parent=model)
        self._watch = self._native_context.watch(abort)
        self.native = native()
        self.facts = model.facts
        self._exclusive = ExclusiveUse(
            self.lifetime, kind="context", remedy="Give each thread a context of its own; they can share the model."
        )
        self.n_vocab, self.n_outputs_max = model.n_vocab, params.n_outputs_max
        self.kv_unified = params.kv_unified or params.n_seq_max == 1
        self.causal = self.native.llama_get_causal_attn(self.handle)
        self.has_memory = bool(self.native.llama_get_memory(self.handle))
        self._limited = self.has_memory and not model.is_recurrent  # by tokens; a recurrent state has no length
        self._size = self.n_ctx_seq
        self.needs_encoding = model.has_encoder and model.has_decoder  # before it decodes, as in T5
        self.has_encoded = False
        self.loras: tuple[tuple[LoraAdapter, float], ...] = ()
        self.rows = OutputRows(self.lifetime, self.n_seq_max)
        self._token = (ctypes.c_int32 * 1)()
        self._single = ctypes.byref(self.native.llama_batch_get_one(self._token, 1))
        _handles.add(self)

    @property
    def n_ctx(self) -> int:
        """How many tokens the context can hold, over all sequences."""
        return self.native.llama_n_ctx(self.handle)

    @property
    def n_ctx_seq(self) -> int:
        """How many tokens one sequence can hold."""
        return self.native.llama_n_ctx_seq(self.handle)

    @cached_property
    def n_batch(self) -> int:
        """How many tokens can be submitted at once."""
        return self.native.llama_n_batch(self.handle)

    @cached_property
    def n_ubatch(self) -> int:
        """How many tokens are computed at once."""
        return self.native.llama_n_ubatch(self.handle)

    @cached_property
    def n_seq_max(self) -> int:
        """The number of sequences; they are numbered from 0."""
        return self.native.llama_n_seq_max(self.handle)

    @property
    def n_threads(self) -> int:
        """The number of threads for single tokens."""
        return self.native.llama_n_threads(self.handle)

    @property
    def n_threads_batch(self) -> int:
        """The number of threads for batches of several tokens."""
        return self.native.llama_n_threads_batch(self.handle)

    @cached_property
    def pooling(self) -> str:
        """How embeddings are pooled: as asked for, or the model's default."""
        number = self.native.llama_pooling_type(self.handle)
        return next(name for name, value in POOLINGS.items() if value == number)

    def cancel(self) -> None:
        """Stop the running call, or the next one, with CancelledError; any thread may call this.

        The tokens computed until then stay in memory: see `n_used`.
        """
        with self.using():
            self._watch.cancel()

    def clear(self) -> None:
        """Remove everything from memory."""
        with self.exclusive():
            memory = self.native.llama_get_memory(self.handle)
            self.rows.forget()
            self.has_encoded = False
            if memory:
                self.native.llama_memory_clear(memory, True)

    def exclusive(self) -> ExclusiveUse:
        """For this package: a block in which only this thread uses the context.

        Raises ThreadError if another thread is in one, and ClosedError once the context is closed.
        """
        if self._pointer is None:
            raise self._unusable()
        return self._exclusive

    def step(self, chooser: TokenChooser, token: int | None) -> int | None:
        """For this package: read `token`, unless it is None, and return the token that `chooser` chooses next.

        Returns None if the context is full.
        """
        with self.exclusive():
            if token is not None:
                if self.is_full:
                    return None
                self.decode_one(token)
            return chooser.choose(self)

    @property
    def is_full(self) -> bool:
        """For this package: True if the first sequence has no room for another token."""
        return self._limited and self.last_position(0) + 1 >= self._size

    def check_room(self, count: int) -> None:
        """For this package: raise PromptTooLongError if the first sequence has no room for `count` more tokens."""
        if not self._limited:
            return
        used, size = self.last_position(0) + 1, self._size
        if used + count > size:
            raise PromptTooLongError(
                f"{count} tokens do not fit the context of {size} tokens"
                + (f", of which {used} are used." if used else "."),
                fix="Shorten the prompt, or make the context larger: n_ctx in Python, --ctx-size on the command line.",
            )

    def check_readable(self, index: int = -1) -> None:
        """For this package: raise InputError or StateError if there are no logits for the output at `index`."""
        self.rows.row(index)
        self.check_logits()

    def check_logits(self) -> None:
        """For this package: raise StateError if this context makes no logits."""
        if self.options.embeddings and self.pooling != "none":
            raise StateError(
                f"This context gives embeddings, pooled ({self.pooling}), and no logits.",
                fix="Make another context without embeddings=True.",
            )
        if not self.has_memory and not self.model.is_diffusion:
            raise StateError("This model gives embeddings and no logits.", why="It is an encoder.")

    def checked_sequence(self, sequence: object) -> int:
        """For this package: return `sequence` if the context has it; raises InputError if not."""
        if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence < self.n_seq_max:
            raise InputError(
                f"There is no sequence {sequence!r}: this context has {self.n_seq_max}, from 0.",
                fix="Make the context with a larger n_seq_max.",
            )
        return sequence

    def last_position(self, sequence: int) -> int:
        """For this package: return the last position that `sequence` remembers, or -1 if it remembers nothing."""
        if not self.has_memory:
            return -1
        return self.native.llama_memory_seq_pos_max(self.native.llama_get_memory(self.handle), sequence)

    def submit(self, batch: NativeBatch, *, encode: bool = False) -> None:
        """For this package: compute a batch whose positions are checked; call it within `exclusive`."""
        run = self._watch.encode if encode else self._watch.decode
        with self.rows.replaced(batch.outputs), captured_errors() as errors:
            status = run(self.handle, ctypes.byref(batch.struct))
            if status != 0:
                raise _decode_error(status, batch.struct.n_tokens, self.n_ctx, errors)

    def decode_one(self, token: int) -> None:
        """For this package: append one checked token to the first sequence; call it within `exclusive`."""
        self._token[0] = token
        self.rows.forget()
        status = self._watch.decode(self.handle, self._single)
        if status != 0:
            raise _decode_error(status, 1, self.n_ctx, ())
        self.rows.indices = _FIRST

    def change_threads(self, n_threads: int, n_threads_batch: int) -> None:
        """For this package: change the numbers of threads; call it within `exclusive`."""
        self._native_context.set_threads(n_threads, n_threads_batch)

    @contextmanager
    def attending_to_all(self, wanted: bool) -> Iterator[None]:
        """For this package: a block in which each token of a batch sees those after it, if that is `wanted`."""
        if not wanted or not self.causal:
            yield
            return
        with self.exclusive():
            self.native.llama_set_causal_attn(self.handle, False)
            self.causal = False
        try:
            yield
        finally:
            if not self.closed:
                self.native.llama_set_causal_attn(self.handle, True)
            self.causal = True

    def holding(self, lifetimes: Sequence[Lifetime[Any]]) -> AbstractContextManager[None]:
        """For this package: keep adapters alive while the context uses them; see NativeContext.holding."""
        return self._native_context.holding(lifetimes)

    def _unused(self) -> ExclusiveUse:
        return self._exclusive


_FIRST = (0,)
_handles: weakref.WeakSet[ContextHandle] = weakref.WeakSet()


def _cancel_all() -> None:
    for handle in list(_handles):
        if not handle.closed:
            handle.cancel()


stop_at_exit(_cancel_all)


def _decode_error(status: int, count: int, size: int, lines: Sequence[str]) -> LlamapackError:
    why = reason_in(lines)
    if status == 1:
        return CacheFullError(
            f"No room is left in the KV cache of {size} tokens for {count} more.",
            fix="Make the context larger (n_ctx), or remove tokens from the cache.",
        )
    if status == -1:
        return InputError(f"llama.cpp refuses the batch of {count} tokens.", why=why, fix="See Batch.add.")
    reasons = {-2: "memory could not be allocated", -3: "a computation failed"}
    return DecodeError(
        f"llama.cpp could not decode {count} tokens: {reasons.get(status, f'status {status}')}.", why=why
    )
