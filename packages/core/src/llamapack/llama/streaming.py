"""Answers that come in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any, Generic, TypeVar

from llamapack.errors import StateError
from llamapack.llama.plans.events import Event, TextEvent
from llamapack.llama.plans.interface import EngineInterface
from llamapack.llama.plans.replies import Reply
from llamapack.llama.plans.running import Running
from llamapack.llama.plans.running_async import AsyncRunning
from llamapack.llama.plans.steps import Plan

T = TypeVar("T")
Ended = Callable[[Reply[Any]], object]


class Stream(Generic[T]):
    """An answer that is being written; it begins when it is first asked for something.

    Iterate over it for pieces of text, or over `events()`; once only. Leaving the loop early ends the work on it, and
    so do `cancel`, from any thread, and closing it, or the end of a `with` block.
    """

    def __init__(self, engine: EngineInterface, plan: Plan[Reply[T]], ended: Ended | None = None) -> None:
        """Take a plan; `ended` is called with the reply."""
        self._running = Running(engine, plan)
        self._ended = ended
        self._reply: Reply[T] | None = None
        self._events: Generator[Event, None, None] | None = None

    def __iter__(self) -> Iterator[str]:
        """Yield the text in pieces."""
        for event in self.events():
            if isinstance(event, TextEvent):
                yield event.text

    def events(self) -> Iterator[Event]:
        """Yield all that happens: text, thinking, tool calls and their results, progress of the prompt."""
        if self._events is not None:
            raise StateError("This stream has begun, and can be read once only.", fix="Keep its pieces, or use .reply.")
        self._events = self._run()
        return self._events

    @property
    def reply(self) -> Reply[T]:
        """The whole reply; waits for the end. Of a stream that was cancelled or left, it has the text so far."""
        if self._reply is None:
            for _ in self._events or self.events():
                pass
        if self._reply is None:
            raise StateError("The stream has ended without a reply.", why="It was left, or failed with an error.")
        return self._reply

    def cancel(self) -> None:
        """End it, from any thread: iterating stops, and `reply` has what is there."""
        self._running.cancel()

    def close(self) -> None:
        """Cancel it if it has not ended; safe to call twice."""
        self.cancel()
        if self._events is not None:
            self._events.close()

    def __enter__(self) -> Stream[T]:
        """Return itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _run(self) -> Generator[Event, None, None]:
        self._reply = yield from self._running.events()
        if self._ended is not None:
            self._ended(self._reply)


class AsyncStream(Generic[T]):
    """An answer that is being written, for asyncio: see Stream."""

    def __init__(self, engine: EngineInterface, plan: Plan[Reply[T]], ended: Ended | None = None) -> None:
        """Take a plan; `ended` is called with the reply."""
        self._running = AsyncRunning(engine, plan)
        self._ended = ended
        self._reply: Reply[T] | None = None
        self._events: AsyncIterator[Event] | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the text in pieces."""
        async for event in self.events():
            if isinstance(event, TextEvent):
                yield event.text

    def events(self) -> AsyncIterator[Event]:
        """Yield all that happens: text, thinking, tool calls and their results, progress of the prompt."""
        if self._events is not None:
            raise StateError(
                "This stream has begun, and can be read once only.", fix="Keep its pieces, or use await .reply()."
            )
        self._events = self._run()
        return self._events

    async def reply(self) -> Reply[T]:
        """Return the whole reply when it is there. Of a stream that was cancelled, it has the text so far."""
        if self._reply is None:
            async for _ in self._events or self.events():
                pass
        if self._reply is None:
            raise StateError("The stream has ended without a reply.", why="It was left, or failed with an error.")
        return self._reply

    def cancel(self) -> None:
        """End it: iterating stops, and `reply` has what is there."""
        self._running.cancel()

    async def close(self) -> None:
        """Cancel it if it has not ended; safe to call twice."""
        self.cancel()
        if self._events is not None:
            await self._events.aclose()  # type: ignore[attr-defined]  # a generator

    async def __aenter__(self) -> AsyncStream[T]:
        """Return itself; it is closed at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def _run(self) -> AsyncIterator[Event]:
        async for event in self._running.events():
            yield event
        self._reply = self._running.value[0]
        if self._ended is not None:
            self._ended(self._reply)
