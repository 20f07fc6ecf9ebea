"""Many threads and tasks that ask one engine, and leave some of their requests."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from llamapack.engine import Engine
from llamapack.errors import CancelledError

CALLERS = 64


def marker(number: int) -> str:
    """Return the text that request `number` must get back."""
    return f"m{number:06}"


def _body(number: int) -> dict[str, Any]:
    grammar = f'root ::= "{marker(number)}"'
    return {"prompt": "Say it:", "grammar": grammar, "n_predict": 32, "temperature": 0, "stream": number % 2 == 0}


def _check(number: int, answer: str) -> None:
    if answer != marker(number):
        raise RuntimeError(f"Request {number} got {answer!r} instead of {marker(number)!r}.")


def _is_left(number: int) -> random.Random | None:
    """Return what decides when a request is left, or None for one that is not."""
    chance = random.Random(number)  # noqa: S311 - no secret
    return chance if chance.random() < 1 / 3 else None


def ask_of_threads(engine: Engine, numbers: Iterable[int]) -> None:
    """Ask in a thread for each number; raises RuntimeError for an answer that is another one's."""
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(lambda number: _ask(engine, number), numbers))


def _ask(engine: Engine, number: int) -> None:
    with engine.request("POST", "/completion", _body(number)) as response:
        if (chance := _is_left(number)) is not None:
            with contextlib.suppress(CancelledError):
                if chance.random() < 0.5:
                    next(iter(response))
                chance.choice((response.cancel, response.close))()
        elif number % 2 == 0:
            _check(number, "".join(event.json()["content"] for event in response.events()))
        else:
            _check(number, response.json()["content"])


def ask_of_tasks(engine: Engine, numbers: Iterable[int]) -> None:
    """Ask in an asyncio task for each number; raises RuntimeError for an answer that is another one's."""
    asyncio.run(_ask_all(engine, list(numbers)))


async def _ask_all(engine: Engine, numbers: list[int]) -> None:
    tasks = {number: asyncio.create_task(_ask_async(engine, number)) for number in numbers}
    for number, task in tasks.items():
        if (chance := _is_left(number)) is not None:
            asyncio.get_running_loop().call_later(chance.random() / 10, task.cancel)
    for answer in await asyncio.gather(*tasks.values(), return_exceptions=True):
        if isinstance(answer, BaseException) and not isinstance(answer, asyncio.CancelledError):
            raise answer


async def _ask_async(engine: Engine, number: int) -> None:
    async with await engine.request_async("POST", "/completion", _body(number)) as response:
        if number % 2 == 0:
            _check(number, "".join([event.json()["content"] async for event in response.events()]))
        else:
            _check(number, (await response.json())["content"])
