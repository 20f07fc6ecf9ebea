"""Carry plans out in an asyncio task."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

from llamapack.engine import EventReader
from llamapack.errors import CancelledError, LlamapackError
from llamapack.llama.plans.events import Event
from llamapack.llama.plans.interface import AsyncResponse, EngineInterface
from llamapack.llama.plans.refusals import read_json
from llamapack.llama.plans.steps import CANCELLED, Ask, Close, Next, Open, Plan, Tell, Use, Work
from llamapack.typed.calls import ToolCall, ToolResult
from llamapack.typed.tools import Toolbox, finished

T = TypeVar("T")


async def carry_out_async(engine: EngineInterface, plan: Plan[T]) -> T:
    """Carry out a plan, and return its result."""
    return await AsyncRunning(engine, plan).result()


class AsyncRunning(Generic[T]):
    """A plan under way in a task; cancelling the task ends it, and so does `cancel`."""

    def __init__(self, engine: EngineInterface, plan: Plan[T]) -> None:
        """Take a plan; it begins with `events` or `result`."""
        self._engine = engine
        self._plan = plan
        self._response: AsyncResponse | None = None
        self._chunks: AsyncIterator[Any] | None = None
        self.cancelled = False
        self.progress = True  # whether anybody listens to that of the prompt
        self.value: list[T] = []  # the result, once it is there

    async def result(self) -> T:
        """Carry it out to the end."""
        async for _ in self.events():
            pass
        return self.value[0]

    async def events(self) -> AsyncGenerator[Event, None]:
        """Carry it out, yielding what it tells; the result is in `value` then."""
        try:
            step = next(self._plan)
            while True:
                if isinstance(step, Tell):
                    yield step.event
                    step = self._plan.send(None)
                    continue
                try:
                    found = await self._do(step)
                except LlamapackError as error:
                    step = self._plan.throw(error)
                else:
                    step = self._plan.send(found)
        except StopIteration as end:
            self.value.append(end.value)
        finally:
            self._plan.close()
            self._leave()

    def cancel(self) -> None:
        """Stop it: a stream ends, and other waiting raises CancelledError."""
        self.cancelled = True
        if self._response is not None:
            with suppress(LlamapackError):  # it has ended meanwhile
                self._response.cancel()

    async def _do(self, step: Ask | Open | Next | Close | Use | Work) -> Any:
        if isinstance(step, Next):
            return await self._next()
        if isinstance(step, Close):
            return self._leave()
        if self.cancelled:
            raise CancelledError("The call was cancelled.")
        if isinstance(step, Work):
            return await asyncio.to_thread(step.function)
        if isinstance(step, Use):
            return await asyncio.gather(*(_run(step.toolbox, call) for call in step.calls))
        return await (self._ask(step) if isinstance(step, Ask) else self._open(step))

    async def _ask(self, step: Ask) -> Any:
        response = self._response = await self._engine.request_async(step.method, step.path, step.body)
        try:
            return read_json(response.status, await response.read())
        finally:
            self._leave()

    async def _open(self, step: Open) -> None:
        body = step.body_for(listened=self.progress)
        response = self._response = await self._engine.request_async("POST", step.path, body)
        if response.status >= 400:
            try:
                read_json(response.status, await response.read())
            finally:
                self._leave()
        self._chunks = _read(response)

    async def _next(self) -> Any:
        if self.cancelled:
            return CANCELLED
        if self._chunks is None:
            return None
        try:
            return await self._chunks.__anext__()
        except StopAsyncIteration:
            return None
        except CancelledError:
            if not self.cancelled:  # the engine was closed
                raise
            return CANCELLED

    def _leave(self) -> None:
        response, self._response, self._chunks = self._response, None, None
        if response is not None:
            response.close()


async def _read(response: AsyncResponse) -> AsyncIterator[Any]:
    reader = EventReader()
    async for piece in response:
        for event in reader.feed(piece):
            yield event.json()


async def _run(toolbox: Toolbox, call: ToolCall) -> ToolResult:
    """Run a tool: async ones here, others in a thread, so that the event loop goes on."""
    try:
        bound = toolbox.bound(call)
        value = bound() if inspect.iscoroutinefunction(bound) else await asyncio.to_thread(bound)
        return finished(call, await value if inspect.isawaitable(value) else value)
    except Exception as error:
        return toolbox.failed(call, error)
