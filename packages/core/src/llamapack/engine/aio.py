"""Answers for asyncio: one thread waits for those of all engines, and wakes the tasks that they are for."""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import os
import threading
from collections.abc import Callable
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.calls import exiting, running, stop_at_exit
from llamapack._native.library import native, take_text
from llamapack._native.owner import Owner
from llamapack.engine.bodies import AsyncAnswerBody
from llamapack.engine.pieces import take
from llamapack.engine.response import raise_if_cancelled

Wake = Callable[[], object]


class Waiter:
    """The one thread, and whom it wakes.

    Each request has a tag, and a function that is called when the request has something to take.
    """

    def __init__(self) -> None:
        """Start the thread."""
        self.inbox = api.llamapack_inbox_p()
        message = api.char_p()
        if native().llamapack_inbox_new(ctypes.byref(self.inbox), ctypes.byref(message)):
            raise MemoryError(take_text(message))
        self._tags = itertools.count(1)
        self._wake: dict[int, Wake] = {}
        self._thread = threading.Thread(target=self._run, name="llamapack-engine", daemon=True)
        self._thread.start()

    def add(self, wake: Wake) -> int:
        """Return a new tag; `wake` is called in this thread whenever its request has something."""
        tag = next(self._tags)
        self._wake[tag] = wake
        return tag

    def remove(self, tag: int) -> None:
        """Forget a tag; safe to call twice."""
        self._wake.pop(tag, None)

    def stop(self) -> None:
        """Let the thread end if the interpreter is exiting."""
        native().llamapack_inbox_wake(self.inbox)

    def _run(self) -> None:
        tag = ctypes.c_uint64()
        while not exiting():
            with running():
                found = native().llamapack_inbox_next(self.inbox, -1, ctypes.byref(tag))
            wake = self._wake.get(tag.value) if found else None
            if wake is not None:
                try:
                    wake()
                except RuntimeError:  # its event loop is closed: nobody waits there any more
                    self.remove(tag.value)


_lock = threading.Lock()
_waiter: Waiter | None = None


def waiter() -> Waiter:
    """Return the waiter of this process, started when it is first needed."""
    global _waiter
    with _lock:
        if _waiter is None:
            _waiter = Waiter()
        return _waiter


def _stop() -> None:
    if _waiter is not None:
        _waiter.stop()


def _begin_anew() -> None:
    """In a forked child: the thread stayed behind in the parent."""
    global _lock, _waiter
    _lock, _waiter = threading.Lock(), None


stop_at_exit(_stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


class AsyncResponse(AsyncAnswerBody, Owner[api.llamapack_request_p]):
    """What an engine answers to one request of an asyncio task: see Response.

    When the task that waits for it is cancelled, the engine stops working on it, within one computation step.
    """

    _kind = "response"

    def __init__(self, begin: Callable[[Waiter, int], api.llamapack_request_p], engine: Owner[Any]) -> None:
        """Begin a request by `begin`, which gets the waiter and a tag; made by `Engine.request_async`."""
        self._arrived = asyncio.Event()
        loop, arrived = asyncio.get_running_loop(), self._arrived.set
        whom = waiter()
        tag = whom.add(lambda: loop.call_soon_threadsafe(arrived))

        def free(pointer: api.llamapack_request_p) -> None:
            whom.remove(tag)
            native().llamapack_request_free(pointer)

        try:
            pointer = begin(whom, tag)
        except BaseException:
            whom.remove(tag)
            raise
        super().__init__(pointer, free, engine)
        self._first = b""
        self._ended = False
        self._status = 0
        self.content_type = ""

    @property
    def status(self) -> int:
        """The status as in HTTP: 200, or 400 and more; 0 before `start`."""
        return self._status

    async def start(self) -> AsyncResponse:
        """Wait until the status is known, and return itself."""
        if not self._status:
            self._first = await self._next()
        return self

    def cancel(self) -> None:
        """Stop the engine's work on it; returns at once. Waiting for it raises llamapack's CancelledError then."""
        self.call(native().llamapack_request_cancel)

    def close(self) -> None:
        """Cancel it if it has not ended, and free it; safe to call twice."""
        if not self.closed:
            self.cancel()
        super().close()

    async def __aenter__(self) -> AsyncResponse:
        """Return itself; it is closed at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    async def _next(self) -> bytes:
        """Return the next piece, empty at the end."""
        try:
            if self._first or self._ended:
                first, self._first = self._first, b""
                return first
            while True:
                piece = self.call(take, 0)
                if piece.data or piece.ended:
                    raise_if_cancelled(piece)
                    self._status, self.content_type, self._ended = piece.status, piece.content_type, piece.ended
                    return piece.data
                self._arrived.clear()
                await self._arrived.wait()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        """Show the status, if it is known, and whether it is closed."""
        return f"<AsyncResponse {self.status or 'not begun'}{' (closed)' if self.closed else ''}>"
