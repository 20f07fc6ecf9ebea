"""The body of an answer, read whole or by its events: the same for engines and runners, for threads and asyncio."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from llamapack.engine.events import EventReader, ServerEvent
from llamapack.errors import RequestError


class AnswerBody(ABC):
    """An answer to one request, for threads."""

    @property
    @abstractmethod
    def status(self) -> int:
        """The status as in HTTP: 200, or 400 and more. Waits until it is known."""

    @abstractmethod
    def _next(self) -> bytes:
        """Return the next piece, empty at the end."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it comes; raises CancelledError if the request is cancelled meanwhile."""
        while piece := self._next():
            yield piece

    def read(self) -> bytes:
        """Return the rest of the body, when all of it is there."""
        return b"".join(self)

    def json(self) -> Any:
        """Return the whole body, read as JSON; raises RequestError for a status of 400 or more."""
        return value_of(self.read(), self.status)

    def events(self) -> Iterator[ServerEvent]:
        """Yield the events of a streamed answer; raises RequestError for a status of 400 or more."""
        if self.status >= 400:
            raise error_of(self.status, error_in(self.read()))
        reader = EventReader()
        for piece in self:
            yield from reader.feed(piece)


class AsyncAnswerBody(ABC):
    """An answer to one request of an asyncio task."""

    @property
    @abstractmethod
    def status(self) -> int:
        """The status as in HTTP: 200, or 400 and more."""

    @abstractmethod
    async def _next(self) -> bytes:
        """Return the next piece, empty at the end."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; raises CancelledError if the request is cancelled meanwhile."""
        while piece := await self._next():
            yield piece

    async def read(self) -> bytes:
        """Return the rest of the body, when all of it is there."""
        return b"".join([piece async for piece in self])

    async def json(self) -> Any:
        """Return the whole body, read as JSON; raises RequestError for a status of 400 or more."""
        return value_of(await self.read(), self.status)

    async def events(self) -> AsyncIterator[ServerEvent]:
        """Yield the events of a streamed answer; raises RequestError for a status of 400 or more."""
        if self.status >= 400:
            raise error_of(self.status, error_in(await self.read()))
        reader = EventReader()
        async for piece in self:
            for event in reader.feed(piece):
                yield event


def value_of(body: bytes, status: int) -> Any:
    """Return what a whole body says in JSON; raises RequestError for a status of 400 or more."""
    if status >= 400:
        raise error_of(status, error_in(body))
    return json.loads(body)


def error_in(body: bytes) -> Mapping[str, Any]:
    """Return the object `error` of an answer of 400 or more; one with the body as its message if there is none."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        error = None
    return error if isinstance(error, Mapping) else {"message": body.decode("utf-8", "replace")}


def error_of(status: int, error: Mapping[str, Any]) -> RequestError:
    """Return the exception that such an object stands for."""
    message, kind = str(error.get("message", "")), str(error.get("type", ""))
    what = "The engine could not answer" if status >= 500 else "The engine refuses the request"
    return RequestError(f"{what} (status {status}): {message}", status=status, kind=kind)
