"""A context: the KV cache and working memory in which a model reads and writes one text."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._native.log import captured_errors
from llamapack._native.owner import Owner
from llamapack.errors import (
    CacheFullError,
    DecodeError,
    InputError,
    LlamapackError,
    PromptTooLongError,
    StateError,
    ThreadError,
)
from llamapack.model import Model
from llamapack.threads import default_threads

DEFAULT_N_CTX = 4096


class Context(Owner[api.llama_context_p]):
    """A context of a model; it keeps the model alive. One thread at a time may use it."""

    _kind = "context"

    def __init__(
        self,
        model: Model,
        *,
        n_ctx: int | None = None,
        n_batch: int = 2048,
        n_ubatch: int = 512,
        n_threads: int | None = None,
        n_threads_batch: int | None = None,
    ) -> None:
        """Make a context for `model`.

        `n_ctx` is its size in tokens (default: 4096, or less if the model was trained with less); `n_batch` and
        `n_ubatch` are how many tokens are submitted and computed at once; `n_threads` and `n_threads_batch` how many
        threads generate and read (default: `llamapack.threads.default_threads`).

        Raises InputError for numbers out of range, and DecodeError if llama.cpp cannot make the context.
        """
        self.model = model
        size = n_ctx if n_ctx is not None else min(DEFAULT_N_CTX, model.n_ctx_train)
        threads = n_threads if n_threads is not None else default_threads().count
        _check_positive(n_ctx=size, n_batch=n_batch, n_ubatch=n_ubatch, n_threads=threads)
        params = native().llama_context_default_params()
        params.n_ctx = size
        params.n_batch = min(n_batch, size)
        params.n_ubatch = min(n_ubatch, n_batch, size)
        params.n_threads = threads
        params.n_threads_batch = n_threads_batch if n_threads_batch is not None else threads
        params.no_perf = True
        _check_positive(n_threads_batch=params.n_threads_batch)
        with captured_errors() as errors:
            pointer = native().llama_init_from_model(model._handle, params)
        if not pointer:
            raise DecodeError("The context cannot be made.", why="\n".join(errors), fix="Try a smaller n_ctx.")
        super().__init__(pointer, native().llama_free, parent=model)
        self._native = native()
        self._user: str | None = None
        self._lock = threading.Lock()
        self._readable = False  # logits are there to sample from
        self._token = (ctypes.c_int32 * 1)()
        self._single = self._native.llama_batch_get_one(self._token, 1)

    @property
    def n_ctx(self) -> int:
        """The size of the context, in tokens."""
        return self._native.llama_n_ctx(self._handle)

    @property
    def n_batch(self) -> int:
        """How many tokens can be submitted at once."""
        return self._native.llama_n_batch(self._handle)

    @property
    def n_threads(self) -> int:
        """How many threads generate."""
        return self._native.llama_n_threads(self._handle)

    @property
    def n_used(self) -> int:
        """How many positions of the first sequence are filled."""
        memory = self._native.llama_get_memory(self._handle)
        return self._native.llama_memory_seq_pos_max(memory, 0) + 1 if memory else 0

    def clear(self) -> None:
        """Forget everything read so far."""
        with self._exclusive():
            memory = self._native.llama_get_memory(self._handle)
            self._readable = False
            if memory:
                self._native.llama_memory_clear(memory, True)

    def decode(self, tokens: Sequence[int]) -> None:
        """Read `tokens` after what was read before; afterwards the next token can be sampled.

        Raises InputError for no or unknown tokens, PromptTooLongError where they do not fit, and DecodeError where
        llama.cpp fails.
        """
        count = len(tokens)
        if count == 0:
            raise InputError("There are no tokens to decode.", fix="Give at least one; an empty prompt has none.")
        size = len(self.model.vocab)
        for token in tokens:
            if not 0 <= token < size:
                raise InputError(f"There is no token {token}: the vocabulary has {size} tokens, from 0.")
        with self._exclusive():
            self._check_room(count)
            array = (ctypes.c_int32 * count)(*tokens)
            step = self.n_batch
            for start in range(0, count, step):
                here = ctypes.cast(ctypes.byref(array, start * 4), ctypes.POINTER(ctypes.c_int32))
                self._decode(self._native.llama_batch_get_one(here, min(step, count - start)))

    def _decode_one(self, token: int) -> None:
        """Read one token that was sampled here, so that it needs no check."""
        self._token[0] = token
        self._decode(self._single)

    def _decode(self, batch: api.llama_batch) -> None:
        status = self._native.llama_decode(self._handle, batch)
        self._readable = status == 0
        if status != 0:
            raise _decode_error(status, batch.n_tokens, self.n_ctx)

    def _check_room(self, count: int) -> None:
        used, size = self.n_used, self.n_ctx
        if used + count > size:
            raise PromptTooLongError(
                f"{count} tokens do not fit the context of {size} tokens"
                + (f", of which {used} are used." if used else "."),
                fix="Shorten the prompt, or make the context larger: n_ctx in Python, --ctx-size on the command line.",
            )

    def _check_readable(self) -> None:
        if not self._readable:
            raise StateError("There is nothing to sample from.", fix="Decode at least one token first.")

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Refuse a second thread instead of letting it wait or corrupt the cache."""
        if not self._lock.acquire(blocking=False):
            raise ThreadError(
                f"The thread {threading.current_thread().name!r} cannot use this context: "
                f"the thread {self._user!r} is using it.",
                fix="Give each thread a context of its own; they can share the model.",
            )
        self._user = threading.current_thread().name
        try:
            yield
        finally:
            self._user = None
            self._lock.release()


def _check_positive(**numbers: object) -> None:
    for name, value in numbers.items():
        if not isinstance(value, int) or not 1 <= value < 2**31:
            raise InputError(f"{name} must be a whole number from 1 to 2147483647, not {value!r}.")


def _decode_error(status: int, count: int, size: int) -> LlamapackError:
    if status == 1:
        return CacheFullError(
            f"No room is left in the KV cache of {size} tokens for {count} more.",
            fix="Make the context larger (n_ctx), or remove tokens from the cache.",
        )
    reasons = {
        2: "it was aborted",
        -1: "the batch is invalid",
        -2: "memory could not be allocated",
        -3: "a computation failed",
    }
    return DecodeError(f"llama.cpp could not decode {count} tokens: {reasons.get(status, f'status {status}')}.")
