"""Carry plans out in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Generator, Iterator, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

from llamapack.engine import EventReader
from llamapack.errors import CancelledError, LlamapackError
from llamapack.llama.plans.events import Event
from llamapack.llama.plans.interface import EngineInterface, Response
from llamapack.llama.plans.refusals import read_json
from llamapack.llama.plans.steps import CANCELLED, Ask, Close, Next, Open, Plan, Tell, Use, Work
from llamapack.typed.tools import run as run_tool

T = TypeVar("T")


def carry_out(engine: EngineInterface, plan: Plan[T]) -> T:
    """Carry out a plan, and return its result."""
    return Running(engine, plan).result()


class Running(Generic[T]):
    """A plan under way; one thread carries it out, and any may cancel it."""

    def __init__(self, engine: EngineInterface, plan: Plan[T]) -> None:
        """Take a plan; it begins with `events` or `result`."""
        self._engine = engine
        self._plan = plan
        self._response: Response | None = None
        self._chunks: Iterator[Any] = iter(())
        self.cancelled = False
        self.progress = True  # whether anybody listens to that of the prompt

    def result(self) -> T:
        """Carry it out to the end."""
        events = self.events()
        while True:
            try:
                next(events)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # what `events` returns

    def events(self) -> Generator[Event, None, T]:
        """Carry it out, yielding what it tells; a generator that returns its result."""
        try:
            step = next(self._plan)
            while True:
                if isinstance(step, Tell):
                    yield step.event
                    step = self._plan.send(None)
                    continue
                try:
                    found = self._do(step)
                except LlamapackError as error:
                    step = self._plan.throw(error)
                else:
                    step = self._plan.send(found)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # a generator's result
        finally:
            self._plan.close()
            self._leave()

    def cancel(self) -> None:
        """Stop it, from any thread: a stream ends, and other waiting raises CancelledError."""
        self.cancelled = True
        if (response := self._response) is not None:
            with suppress(LlamapackError):  # it has ended meanwhile
                response.cancel()

    def _do(self, step: Ask | Open | Next | Close | Use | Work) -> Any:
        if isinstance(step, Next):
            return self._next()
        if isinstance(step, Close):
            return self._leave()
        if self.cancelled:
            raise CancelledError("The call was cancelled.")
        if isinstance(step, Work):
            return step.function()
        if isinstance(step, Use):
            return [run_tool(step.toolbox, call, _finish) for call in step.calls]
        return self._ask(step) if isinstance(step, Ask) else self._open(step)

    def _ask(self, step: Ask) -> Any:
        response = self._begin(step.method, step.path, step.body)
        try:
            return read_json(response.status, response.read())
        finally:
            self._leave()

    def _open(self, step: Open) -> None:
        response = self._begin("POST", step.path, step.body_for(listened=self.progress))
        if response.status >= 400:
            try:
                read_json(response.status, response.read())
            finally:
                self._leave()
        reader = EventReader()
        self._chunks = (event.json() for piece in response for event in reader.feed(piece))

    def _begin(self, method: str, path: str, body: Mapping[str, Any] | None) -> Response:
        self._response = response = self._engine.request(method, path, body)
        if self.cancelled:  # by another thread, a moment ago
            response.cancel()
        return response

    def _next(self) -> Any:
        try:
            return CANCELLED if self.cancelled else next(self._chunks, None)
        except CancelledError:
            if not self.cancelled:  # the engine was closed
                raise
            return CANCELLED

    def _leave(self) -> None:
        response, self._response, self._chunks = self._response, None, iter(())
        if response is not None:
            response.close()


def _finish(awaitable: Awaitable[Any]) -> Any:
    """Run what an async tool returned; in a thread of its own if this one has a running event loop."""

    async def finish() -> Any:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(finish())
    found: list[Any] = []
    problem: list[BaseException] = []

    def elsewhere() -> None:
        try:
            found.append(asyncio.run(finish()))
        except BaseException as error:  # raised again below
            problem.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    if problem:
        raise problem[0]
    return found[0]
