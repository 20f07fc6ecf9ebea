"""Answers that come in pieces."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, closing
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
        self._events: weakref.ref[Generator[Event, None, None]] | None = None  # dropping them ends the work

    def __iter__(self) -> Iterator[str]:
        """Yield the text in pieces."""
        with closing(self._begin(progress=False)) as events:
            for event in events:
                if isinstance(event, TextEvent):
                    yield event.text

    def events(self) -> Iterator[Event]:
        """Yield all that happens: text, thinking, tool calls and their results, progress of the prompt."""
        return self._begin(progress=True)

    @property
    def reply(self) -> Reply[T]:
        """The whole reply; waits for the end. Of a stream that was cancelled or left, it has the text so far."""
        if self._reply is None:
            for _ in self._rest():
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
        if self._events is not None and (events := self._events()) is not None:
            events.close()

    def __enter__(self) -> Stream[T]:
        """Return itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _begin(self, *, progress: bool) -> Generator[Event, None, None]:
        if self._events is not None:
            raise StateError("This stream has begun, and can be read once only.", fix="Keep its pieces, or use .reply.")
        self._running.progress = progress
        events = self._run()
        self._events = weakref.ref(events)
        return events

    def _rest(self) -> Iterator[Event]:
        return self._begin(progress=False) if self._events is None else self._events() or iter(())

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
        self._events: weakref.ref[AsyncGenerator[Event, None]] | None = None  # dropping them ends the work

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the text in pieces."""
        async with aclosing(self._begin(progress=False)) as events:
            async for event in events:
                if isinstance(event, TextEvent):
                    yield event.text

    def events(self) -> AsyncIterator[Event]:
        """Yield all that happens: text, thinking, tool calls and their results, progress of the prompt."""
        return self._begin(progress=True)

    async def reply(self) -> Reply[T]:
        """Return the whole reply when it is there. Of a stream that was cancelled, it has the text so far."""
        if self._reply is None:
            events = self._begin(progress=False) if self._events is None else self._events()
            if events is not None:
                async for _ in events:
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
        if self._events is not None and (events := self._events()) is not None:
            await events.aclose()

    async def __aenter__(self) -> AsyncStream[T]:
        """Return itself; it is closed at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    def _begin(self, *, progress: bool) -> AsyncGenerator[Event, None]:
        if self._events is not None:
            raise StateError(
                "This stream has begun, and can be read once only.", fix="Keep its pieces, or use await .reply()."
            )
        self._running.progress = progress
        events = self._run()
        self._events = weakref.ref(events)
        return events

    async def _run(self) -> AsyncGenerator[Event, None]:
        async with aclosing(self._running.events()) as events:
            async for event in events:
                yield event
        self._reply = self._running.value[0]
        if self._ended is not None:
            self._ended(self._reply)
