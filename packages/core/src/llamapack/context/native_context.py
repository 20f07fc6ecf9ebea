"""The native objects of a context, which are made together and freed together."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack._native.log import captured_errors, reason_in
from llamapack._native.owner import Lifetime
from llamapack._native.threadpool import ThreadPools
from llamapack._native.watch import Watch
from llamapack.errors import DecodeError
from llamapack.model import Model


class NativeContext:
    """A llama_context, its worker threads, its watch, and the adapters that it uses.

    It must not refer to the Context that owns it, or the garbage collector could never free that Context.
    """

    def __init__(self, model: Model, params: api.llama_context_params) -> None:
        """Make the context and its threads; raises DecodeError with llama.cpp's reason if that fails."""
        self.pointer, message = api.llama_context_p(), api.char_p()
        with model.using() as handle, captured_errors() as errors:
            native().llamapack_context_init(
                handle, ctypes.byref(params), ctypes.byref(self.pointer), ctypes.byref(message)
            )
        errors += take_text(message).splitlines()
        if not self.pointer:
            raise DecodeError("The context cannot be made.", why=reason_in(errors), fix="Try a smaller n_ctx.")
        self._watch: api.llamapack_watch_p | None = None
        self._held: list[Lifetime[Any]] = []
        self._pools = ThreadPools(params.n_threads, params.n_threads_batch)
        self._pools.attach(self.pointer)

    def watch(self, abort: Callable[[], object] | None) -> Watch:
        """Make the watch that can stop the context's calls; `abort` is asked whether to stop them."""
        watch = Watch(self.pointer, abort)
        self._watch = watch.handle
        return watch

    def set_threads(self, n_threads: int, n_threads_batch: int) -> None:
        """Change the numbers of threads."""
        pools = ThreadPools(n_threads, n_threads_batch)
        native().llama_detach_threadpool(self.pointer)
        native().llama_set_n_threads(self.pointer, n_threads, n_threads_batch)
        pools.attach(self.pointer)
        self._pools.free()
        self._pools = pools

    @contextmanager
    def holding(self, lifetimes: Sequence[Lifetime[Any]]) -> Iterator[None]:
        """Keep these native objects alive, and release the previous ones when the block has replaced them."""
        for lifetime in lifetimes:
            lifetime.hold()
        before, self._held = self._held, [*self._held, *lifetimes]
        yield
        self._held = list(lifetimes)
        for lifetime in before:
            lifetime.drop()

    def free(self, pointer: api.llama_context_p) -> None:
        """Free everything, in the order that llama.cpp requires."""
        native().llama_free(pointer)
        native().llamapack_watch_free(self._watch)
        self._pools.free()
        while self._held:
            self._held.pop().drop()
