"""The native side of a context: its parts, which are freed in order, and whose turn it is."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack._native.log import captured_errors
from llamapack._native.owner import Lifetime
from llamapack._native.threadpool import ThreadPools
from llamapack._native.watch import Watch
from llamapack.errors import DecodeError, ThreadError
from llamapack.model import Model


class Parts:
    """What is freed with a context. It must not lead to the Context, which would never be collected then."""

    def __init__(self, model: Model, params: api.llama_context_params) -> None:
        """Make the native context and its threads; raises DecodeError with llama.cpp's reason."""
        self.context, message = api.llama_context_p(), api.char_p()
        with model._using() as handle, captured_errors() as errors:
            native().llamapack_context_init(
                handle, ctypes.byref(params), ctypes.byref(self.context), ctypes.byref(message)
            )
        errors += take_text(message).splitlines()
        if not self.context:
            why = "\n".join(line.split(": ", 1)[-1] for line in errors)
            raise DecodeError("The context cannot be made.", why=why, fix="Try a smaller n_ctx.")
        self._watch: api.llamapack_watch_p | None = None
        self._held: list[Lifetime[Any]] = []
        self._pools = ThreadPools(params.n_threads, params.n_threads_batch)
        self._pools.attach(self.context)

    def watched(self, abort: Callable[[], object] | None) -> Watch:
        """Return the watch over the context's calls."""
        watch = Watch(self.context, abort)
        self._watch = watch.handle
        return watch

    def set_threads(self, n_threads: int, n_threads_batch: int) -> None:
        """Exchange the threads."""
        pools = ThreadPools(n_threads, n_threads_batch)
        native().llama_detach_threadpool(self.context)
        native().llama_set_n_threads(self.context, n_threads, n_threads_batch)
        pools.attach(self.context)
        self._pools.free()
        self._pools = pools

    @contextmanager
    def holding(self, lifetimes: Sequence[Lifetime[Any]]) -> Iterator[None]:
        """Hold these native objects instead of those before, which the block puts out of use."""
        for lifetime in lifetimes:
            lifetime.hold()
        before, self._held = self._held, [*self._held, *lifetimes]
        yield
        self._held = list(lifetimes)
        for lifetime in before:
            lifetime.drop()

    def free(self, context: api.llama_context_p) -> None:
        """Free everything."""
        native().llama_free(context)
        native().llamapack_watch_free(self._watch)
        self._pools.free()
        while self._held:
            self._held.pop().drop()


class Turn:
    """A call on a context: one at a time, and the native context stays until it is over."""

    __slots__ = ("_lifetime", "_lock", "_user")

    def __init__(self, lifetime: Lifetime[Any]) -> None:
        """Take turns on the native context of `lifetime`."""
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._user: threading.Thread | None = None

    def __enter__(self) -> None:
        """Begin; raises ThreadError if another call is running."""
        if not self._lock.acquire(blocking=False):
            raise self._refusal()
        self._user = threading.current_thread()
        self._lifetime.hold()

    def __exit__(self, *_: object) -> None:
        """Let the next one."""
        self._user = None
        self._lock.release()
        self._lifetime.drop()

    def _refusal(self) -> ThreadError:
        here, user = threading.current_thread(), self._user
        if user is here:
            return ThreadError(
                f"A callback in the thread {here.name!r} cannot use this context, which is waiting for it.",
                fix="Note what is to be done, and do it after the call.",
            )
        return ThreadError(
            f"The thread {here.name!r} cannot use this context: "
            f"the thread {user.name if user else None!r} is using it.",
            fix="Give each thread a context of its own; they can share the model.",
        )
