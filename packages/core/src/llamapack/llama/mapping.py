"""Many prompts at once: as many as the engine has slots, in order or as they are ready."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from llamapack.errors import InputError
from llamapack.llama.plans.interface import EngineInterface
from llamapack.llama.plans.messages import Prompt
from llamapack.llama.plans.replies import Reply
from llamapack.llama.plans.running import Running
from llamapack.llama.plans.running_async import carry_out_async
from llamapack.llama.plans.steps import Plan

MakePlan = Callable[[Prompt], Plan[Reply[Any]]]
AHEAD = 2
"""So many times `parallel` prompts are taken before the first of them was yielded."""


def map_prompts(
    engine: EngineInterface, make_plan: MakePlan, prompts: Iterable[Prompt], parallel: int, *, ordered: bool
) -> Iterator[Reply[Any]]:
    """Yield the replies to prompts, which are read as there is room; leaving the loop cancels those under way."""
    check_parallel(parallel)
    return _threaded(engine, make_plan, prompts, parallel, ordered=ordered)


def _threaded(
    engine: EngineInterface, make_plan: MakePlan, prompts: Iterable[Prompt], parallel: int, *, ordered: bool
) -> Iterator[Reply[Any]]:
    numbered = enumerate(prompts)
    running: dict[Future[Reply[Any]], Running[Reply[Any]]] = {}  # in the order of the prompts
    with ThreadPoolExecutor(parallel, thread_name_prefix="llamapack-map") as pool:
        try:
            while True:
                while len(running) < parallel * AHEAD and (each := next(numbered, None)):
                    call = Running(engine, make_plan(each[1]))
                    running[pool.submit(_numbered, call, each[0])] = call
                if not running:
                    return
                ready = next(iter(running)) if ordered else _first_done(running)
                reply = ready.result()
                del running[ready]
                yield reply
        finally:
            for future, call in running.items():
                if not future.cancel():
                    call.cancel()


def _numbered(call: Running[Reply[Any]], index: int) -> Reply[Any]:
    return replace(call.result(), index=index)


def _first_done(running: Iterable[Future[Reply[Any]]]) -> Future[Reply[Any]]:
    done = wait(running, return_when=FIRST_COMPLETED).done
    return next(future for future in running if future in done)


def map_prompts_async(
    engine: EngineInterface,
    make_plan: MakePlan,
    prompts: Iterable[Prompt] | AsyncIterable[Prompt],
    parallel: int,
    *,
    ordered: bool,
) -> AsyncIterator[Reply[Any]]:
    """Yield the replies to prompts; see `map_prompts`."""
    check_parallel(parallel)
    return _in_tasks(engine, make_plan, prompts, parallel, ordered=ordered)


async def _in_tasks(
    engine: EngineInterface,
    make_plan: MakePlan,
    prompts: Iterable[Prompt] | AsyncIterable[Prompt],
    parallel: int,
    *,
    ordered: bool,
) -> AsyncIterator[Reply[Any]]:
    source = _numbered_async(prompts)
    room = asyncio.Semaphore(parallel)
    tasks: deque[asyncio.Task[Reply[Any]]] = deque()
    try:
        while True:
            while len(tasks) < parallel * AHEAD and (each := await anext(source, None)):
                tasks.append(asyncio.create_task(_one(engine, make_plan(each[1]), each[0], room)))
            if not tasks:
                return
            ready = tasks[0] if ordered else await _first_task(tasks)
            reply = await ready
            tasks.remove(ready)
            yield reply
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _numbered_async(prompts: Iterable[Prompt] | AsyncIterable[Prompt]) -> AsyncIterator[tuple[int, Prompt]]:
    if isinstance(prompts, AsyncIterable):
        index = 0
        async for prompt in prompts:
            yield index, prompt
            index += 1
    else:
        for pair in enumerate(prompts):
            yield pair


async def _one(engine: EngineInterface, plan: Plan[Reply[Any]], index: int, room: asyncio.Semaphore) -> Reply[Any]:
    async with room:
        return replace(await carry_out_async(engine, plan), index=index)


async def _first_task(tasks: Iterable[asyncio.Task[Reply[Any]]]) -> asyncio.Task[Reply[Any]]:
    done, _ = await asyncio.wait(list(tasks), return_when=asyncio.FIRST_COMPLETED)
    return next(task for task in tasks if task in done)


def check_parallel(parallel: object) -> None:
    """Raise InputError unless it is a number of requests."""
    if isinstance(parallel, bool) or not isinstance(parallel, int) or parallel < 1:
        raise InputError(f"parallel must be a whole number of at least 1, not {parallel!r}.")
