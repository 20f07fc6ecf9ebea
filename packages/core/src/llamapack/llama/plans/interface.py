"""What `Llama` asks of an engine: an Engine of this process, a child process or a test may answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Protocol


class Response(Protocol):
    """The answer of one request; it is closed by whoever asked."""

    @property
    def status(self) -> int:
        """The status as in HTTP; waits until it is known."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it comes."""
        ...

    def read(self) -> bytes:
        """Return the rest of the body."""
        ...

    def cancel(self) -> None:
        """Stop the work on it, from any thread; waiting for it raises CancelledError then."""
        ...

    def close(self) -> None:
        """Cancel it if it has not ended; safe to call twice."""
        ...


class AsyncResponse(Protocol):
    """The answer of one request of an asyncio task."""

    @property
    def status(self) -> int:
        """The status as in HTTP."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        ...

    async def read(self) -> bytes:
        """Return the rest of the body."""
        ...

    def cancel(self) -> None:
        """Stop the work on it; waiting for it raises CancelledError then."""
        ...

    def close(self) -> None:
        """Cancel it if it has not ended; safe to call twice."""
        ...


class EngineInterface(Protocol):
    """llama.cpp's server, wherever it runs: method, path and JSON go in, a status and pieces come out.

    It may be used by several threads and tasks at once.
    """

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Response:
        """Begin a request and return its answer at once."""
        ...

    async def request_async(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> AsyncResponse:
        """Begin a request and return its answer when its status is known."""
        ...

    def close(self) -> None:
        """Cancel what is under way, and free the model; safe to call twice."""
        ...
