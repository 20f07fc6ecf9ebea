"""The answer of one request to a runner."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from collections.abc import Callable

from llamapack._native.calls import end_if_exiting
from llamapack._util.uncopyable import Uncopyable
from llamapack.engine.bodies import AnswerBody
from llamapack.errors import CancelledError, ClosedError, LlamapackError, ThreadError
from llamapack.runner.answers import PIECE_BYTES, AnswerReader, BrokenAnswerError

Lost = Callable[[], LlamapackError]
"""Says why a connection ended too early."""


class RunnerResponse(AnswerBody, Uncopyable):
    """What a runner answers to one request: the same as `engine.Response`, over a connection of its own.

    To leave it, close it, or drop it: the runner sees its connection end, and stops working on it.
    """

    def __init__(self, connection: socket.socket, lost: Lost) -> None:
        """Take over a connection on which the request is sent."""
        self._connection = connection
        self._lost = lost
        self._drop = weakref.finalize(self, connection.close)
        self._reader = AnswerReader()
        self._reading = threading.Lock()
        self._first = b""  # came with the status, and was not handed out yet
        self._cancelled = False

    @property
    def status(self) -> int:
        """The status as in HTTP: 200, or 400 and more. Waits until it is known."""
        self._wait_for_status()
        return self._reader.status

    @property
    def content_type(self) -> str:
        """The type of the body. Waits as `status` does."""
        self._wait_for_status()
        return self._reader.content_type

    @property
    def closed(self) -> bool:
        """True once it was closed."""
        return not self._drop.alive

    def cancel(self) -> None:
        """Stop the work on it, from any thread; returns at once. Waiting for it raises CancelledError then."""
        if self._reader.ended:
            return
        self._cancelled = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cancel it if it has not ended; safe to call twice, and from any thread."""
        self.cancel()
        self._drop()

    def _wait_for_status(self) -> None:
        if not self._reader.status:
            self._first = self._next(head=True)

    def _next(self, *, head: bool = False) -> bytes:
        """Return the next piece, empty at the end; with `head`, empty too when only the status is known."""
        if not self._reading.acquire(blocking=False):
            raise ThreadError("Another thread is reading this response.", fix="Let one thread read it.")
        try:
            if self._first:
                first, self._first = self._first, b""
                return first
            return self._wait(head=head)
        except BaseException:
            self.close()
            raise
        finally:
            self._reading.release()

    def _wait(self, *, head: bool) -> bytes:
        while not self._reader.ended:
            try:
                found = self._reader.feed(self._receive())
            except BrokenAnswerError as error:
                raise self._lost() from error
            if found or (head and self._reader.status):
                return found
        return b""

    def _receive(self) -> bytes:
        try:
            data = b"" if self._cancelled else self._connection.recv(PIECE_BYTES)
        except OSError:
            data = b""
        if data:
            return data
        end_if_exiting()
        if self._cancelled:
            raise CancelledError("The request was cancelled.")
        if self.closed:
            raise ClosedError("This response is closed.")
        raise self._lost()

    def __enter__(self) -> RunnerResponse:
        """Return the response itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the response."""
        self.close()

    def __repr__(self) -> str:
        """Show the status, if it is known, and whether it is closed."""
        return f"<RunnerResponse {self._reader.status or 'not begun'}{' (closed)' if self.closed else ''}>"
