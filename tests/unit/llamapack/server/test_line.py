"""Requests in a line: order, places, refusals; no place is lost, whatever happens to those who wait."""

from __future__ import annotations

import asyncio
import random

import pytest
from llamapack.server.refusal import Refusal
from llamapack.server.runners.line import Line


async def until_idle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_as_many_as_there_are_places_enter_and_the_others_come_in_order() -> None:
    async def check() -> list[int]:
        line, order, leave = Line(10, 10), [], asyncio.Event()

        async def ask(number: int) -> None:
            async with line.place():
                order.append(number)
                await leave.wait()

        tasks = [asyncio.create_task(ask(number)) for number in range(5)]
        await until_idle()
        assert (line.active, line.waiting, order) == (0, 5, [])
        line.open(2)
        await until_idle()
        assert (line.active, line.waiting, order) == (2, 3, [0, 1])
        leave.set()
        await asyncio.gather(*tasks)
        assert (line.active, line.waiting) == (0, 0)
        return order

    assert asyncio.run(check()) == [0, 1, 2, 3, 4]


def test_one_too_many_is_refused_and_told_when_to_come_again() -> None:
    async def check() -> None:
        line = Line(1, 10)
        line.open(1)
        async with line.place():
            waiting = asyncio.create_task(line.place().__aenter__())
            await until_idle()
            with pytest.raises(Refusal) as caught:
                await line.place().__aenter__()
            assert (caught.value.status, caught.value.code) == (429, "queue_full")
            assert caught.value.retry_after is not None
            assert caught.value.retry_after >= 1
            waiting.cancel()

    asyncio.run(check())


def test_who_waits_too_long_is_refused() -> None:
    async def check() -> None:
        line = Line(1, 0.01)
        with pytest.raises(Refusal) as caught:
            await line.place().__aenter__()
        assert (caught.value.status, caught.value.code, line.waiting) == (503, "queue_timeout", 0)

    asyncio.run(check())


def test_all_are_refused_until_it_is_opened_again() -> None:
    async def check() -> None:
        line = Line(5, 10)
        waiting = [asyncio.create_task(line.place().__aenter__()) for _ in range(3)]
        await until_idle()
        line.refuse(lambda: Refusal(503, "down", "It is down."))
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [each.code for each in results if isinstance(each, Refusal)] == ["down"] * 3
        with pytest.raises(Refusal, match="It is down"):
            await line.place().__aenter__()
        line.open(1)
        async with line.place():
            assert line.active == 1
        assert line.active == 0

    asyncio.run(check())


def test_no_place_is_lost_when_those_who_wait_go_away_at_any_moment() -> None:
    async def check() -> None:
        chance = random.Random(1)  # noqa: S311  # the same ones each time
        line = Line(1000, 10)
        line.open(3)

        async def ask() -> None:
            async with line.place():
                assert line.active <= 3
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)

        tasks = []
        for _ in range(2000):
            tasks.append(asyncio.create_task(ask()))
            if chance.random() < 0.5:
                chance.choice(tasks).cancel()
            if chance.random() < 0.3:
                await asyncio.sleep(0)
            if chance.random() < 0.02:
                line.hold()
                line.open(3)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (line.active, line.waiting) == (0, 0)

    asyncio.run(check())
