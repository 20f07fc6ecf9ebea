"""Answers of a runner for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import weakref
from collections.abc import Awaitable, Callable

from llamapack._util.uncopyable import Uncopyable
from llamapack.engine.bodies import AsyncAnswerBody
from llamapack.errors import CancelledError, ClosedError, LlamapackError
from llamapack.runner.answers import PIECE_BYTES, AnswerReader, BrokenAnswerError

Lost = Callable[[], Awaitable[LlamapackError]]


class AsyncRunnerResponse(AsyncAnswerBody, Uncopyable):
    """What a runner answers to one request of an asyncio task; see RunnerResponse.

    When the task that waits for it is cancelled, the runner stops working on it.
    """

    def __init__(self, connection: socket.socket, lost: Lost) -> None:
        """Take over a connection, which does not block."""
        self._connection = connection
        self._lost = lost
        self._drop = weakref.finalize(self, connection.close)
        self._answer = AnswerReader()
        self._first = b""  # came with the status, and was not handed out yet
        self._cancelled = self._receiving = False

    async def start(self, request: bytes) -> AsyncRunnerResponse:
        """Send a request, wait until its status is known, and return itself."""
        try:
            with contextlib.suppress(OSError):  # it has answered, or ended, before it read all: reading says so
                await asyncio.get_running_loop().sock_sendall(self._connection, request)
            while not self._answer.status:
                self._first = await self._take()
        except BaseException:
            self.close()
            raise
        return self

    @property
    def status(self) -> int:
        """The status as in HTTP."""
        return self._answer.status

    @property
    def content_type(self) -> str:
        """The type of the body."""
        return self._answer.content_type

    @property
    def closed(self) -> bool:
        """True once it was closed."""
        return not self._drop.alive

    def cancel(self) -> None:
        """Stop the work on it; returns at once. Waiting for it raises CancelledError then."""
        if not self._answer.ended:
            self._cancelled = True
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cancel it if it has not ended; safe to call twice."""
        self.cancel()
        if not self._receiving:  # the task that receives closes it then
            self._drop()

    async def _next(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            while not self._answer.ended:
                if found := await self._take():
                    return found
        except BaseException:
            self.close()
            raise
        return b""

    async def _take(self) -> bytes:
        try:
            return self._answer.feed(await self._receive())
        except BrokenAnswerError as error:
            raise await self._lost() from error

    async def _receive(self) -> bytes:
        data = b""
        if not self._cancelled:
            self._receiving = True
            try:
                with contextlib.suppress(OSError):
                    data = await asyncio.get_running_loop().sock_recv(self._connection, PIECE_BYTES)
            finally:
                self._receiving = False
        if data:
            return data
        if self._cancelled:
            raise CancelledError("The request was cancelled.")
        if self.closed:
            raise ClosedError("This response is closed.")
        raise await self._lost()

    async def __aenter__(self) -> AsyncRunnerResponse:
        """Return the response itself; it is closed at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the response."""
        self.close()

    def __repr__(self) -> str:
        """Show the status, if it is known, and whether it is closed."""
        return f"<AsyncRunnerResponse {self._answer.status or 'not begun'}{' (closed)' if self.closed else ''}>"
