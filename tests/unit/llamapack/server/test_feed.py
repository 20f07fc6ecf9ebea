"""What pages are told of models that are loaded and unloaded."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from llamapack.server.runners.feed import Feed, status_of
from llamapack.server.runners.keeper import Keeper
from llamapack.server.settings import ModelSettings, Settings

T = TypeVar("T")
SECONDS = 10
"""How long an event is waited for that does not come."""


def keeper(name: str = "a") -> Keeper:
    return Keeper(ModelSettings(path=Path(f"{name}.gguf"), name=name), Settings())


def event(model: str, status: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "event": "status_change", "data": {"status": status, **more}}


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    async def limited() -> T:
        return await asyncio.wait_for(coroutine, SECONDS)

    return asyncio.run(limited())


async def told(feed: Feed, count: int, change: Any) -> list[Any]:
    """Return the first events for a listener that was there before `change`."""
    found: list[Any] = []
    listening = feed.listen(60)
    first = asyncio.ensure_future(anext(listening))
    await asyncio.sleep(0)
    change()
    found.append(await first)
    while len(found) < count:
        found.append(await anext(listening))
    feed.end()
    assert [each async for each in listening] == []
    return found


def test_changes_are_told_in_the_words_of_llamacpps_router() -> None:
    async def run() -> list[Any]:
        one, other = keeper(), keeper("b")

        def change() -> None:
            one.state = "loading"
            one.state = "loading"
            other.state = "loading"
            one.state = "ready"
            one.state = "ended"
            one.state = "unloaded"

        return await told(Feed([one, other]), 5, change)

    assert finished(run()) == [
        event("a", "loading"),
        event("b", "loading"),
        event("a", "loaded"),
        event("a", "loading"),
        event("a", "unloaded", exit_code=0),
    ]


def test_every_failure_is_told() -> None:
    """A page that has asked for it to be loaded waits for an answer, also the second time."""

    async def run() -> list[Any]:
        one = keeper()

        def change() -> None:
            one.state = "failed"
            one.state = "failed"

        found = await told(Feed([one]), 2, change)
        assert status_of(one) == {"value": "unloaded", "failed": True, "exit_code": 1}
        return found

    assert finished(run()) == [event("a", "unloaded", exit_code=1)] * 2


def test_nothing_is_told_while_nothing_happens() -> None:
    async def run() -> None:
        listening = Feed([keeper()]).listen(0.001)
        assert [await anext(listening), await anext(listening)] == [None, None]

    finished(run())


def test_a_listener_that_is_far_behind_is_let_go() -> None:
    async def run() -> list[Any]:
        one = keeper()
        feed = Feed([one])
        listening = feed.listen(60)
        first = asyncio.ensure_future(anext(listening))
        await asyncio.sleep(0)
        for _ in range(1000):
            one.state = "failed"
        return [await first, *[each async for each in listening]]

    assert len(finished(run())) == 256
