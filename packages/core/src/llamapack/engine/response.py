"""The answer of one request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.calls import end_if_exiting, running
from llamapack._native.library import native
from llamapack._native.owner import Owner
from llamapack.engine.bodies import AnswerBody
from llamapack.engine.pieces import CANCELLED, Piece, take
from llamapack.errors import CancelledError, ThreadError

Free = Callable[[api.llamapack_request_p], object]

# Python looks for Ctrl-C between two waits of the main thread; others are ended by `cancel` and `close`.
_WAIT_MS = {True: 50, False: 1000}


class Response(AnswerBody, Owner[api.llamapack_request_p]):
    """What an engine answers to one request: a status as in HTTP, and the body in pieces as they come.

    Iterate over it, or `read` the rest; one thread at a time. To leave it, close it or end its `with` block: the engine
    stops working on it then, within one computation step. So do an exception while waiting, Ctrl-C among them, and
    dropping it.
    """

    _kind = "response"

    def __init__(self, pointer: api.llamapack_request_p, engine: Owner[Any]) -> None:
        """Take over a native request; made by `Engine.request`."""
        super().__init__(pointer, native().llamapack_request_free, engine)
        self._reading = threading.Lock()
        self._status = 0
        self._content_type = ""
        self._first = b""  # came with the status, and was not handed out yet
        self._ended = False

    @property
    def status(self) -> int:
        """The status as in HTTP: 200, or 400 and more. Waits for the first piece, or the end."""
        self._wait_for_status()
        return self._status

    @property
    def content_type(self) -> str:
        """The type of the body: JSON, or `text/event-stream` for a stream. Waits as `status` does."""
        self._wait_for_status()
        return self._content_type

    def cancel(self) -> None:
        """Stop the engine's work on it, from any thread; returns at once. Waiting for it raises CancelledError then."""
        self.call(native().llamapack_request_cancel)

    def close(self) -> None:
        """Cancel it if it has not ended, and free it; safe to call twice, and from any thread."""
        if not self.closed:
            self.cancel()
        super().close()

    def _wait_for_status(self) -> None:
        if not self._status:
            self._first = self._next()

    def _next(self) -> bytes:
        """Return the next piece, empty at the end."""
        if not self._reading.acquire(blocking=False):
            raise ThreadError("Another thread is reading this response.", fix="Let one thread read it.")
        try:
            if self._first or self._ended:
                first, self._first = self._first, b""
                return first
            return self._wait()
        except BaseException:
            self.close()
            raise
        finally:
            self._reading.release()

    def _wait(self) -> bytes:
        timeout = _WAIT_MS[threading.current_thread() is threading.main_thread()]
        while True:
            with running():
                piece = self.call(take, timeout)
            end_if_exiting()
            if piece.data or piece.ended:
                return self._note(piece)

    def _note(self, piece: Piece) -> bytes:
        raise_if_cancelled(piece)  # not an end like others: who reads on has to learn of it
        self._status, self._content_type, self._ended = piece.status, piece.content_type, piece.ended
        return piece.data

    def __repr__(self) -> str:
        """Show the status, if it is known, and whether it is closed."""
        return f"<Response {self._status or 'not begun'}{' (closed)' if self.closed else ''}>"


def raise_if_cancelled(piece: Piece) -> None:
    """Raise CancelledError at the end of a request that was cancelled."""
    if piece.ended and piece.status == CANCELLED:
        raise CancelledError("The request was cancelled.")
