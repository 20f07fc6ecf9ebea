"""Requests of many threads and of many tasks at once, some of them left before their end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from llamapack.engine import AsyncResponse, Engine
from llamapack.errors import CancelledError, ThreadError

from tests.support.engine.requests import LONG, busy_slots, completed, marked, still_streaming, wait_until

CALLERS = 64
ROUNDS = 8


def marker(caller: int, number: int) -> str:
    return f"m{caller:02}r{number}"


def test_64_threads_get_each_their_own_answer(tiny_engine: Engine) -> None:
    def call(caller: int) -> list[str]:
        chance = random.Random(caller)  # noqa: S311 - which requests are left, no secret
        return [_answer(tiny_engine, chance, marker(caller, number)) for number in range(ROUNDS)]

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(call, range(CALLERS)))
    for caller, given in enumerate(answers):
        for number, answer in enumerate(given):
            assert answer in (marker(caller, number), "cancelled")
    assert sum(answer != "cancelled" for given in answers for answer in given) > CALLERS // 2
    wait_until(lambda: busy_slots(tiny_engine) == 0)


def _answer(engine: Engine, chance: random.Random, wanted: str) -> str:
    """Ask for the marker, streamed or not; leave some requests by one of the ways there are."""
    streamed = chance.random() < 0.5
    response = engine.request("POST", "/completion", {**marked(wanted), "stream": streamed})
    if chance.random() < 0.3:
        chance.choice((response.cancel, response.close))()
        response.close()
        return "cancelled"
    with response:
        if streamed:
            return "".join(event.json()["content"] for event in response.events())
        return str(response.json()["content"])


def test_64_tasks_get_each_their_own_answer(tiny_engine: Engine) -> None:
    async def call(caller: int) -> str:
        streamed = caller % 2 == 0
        body = {**marked(marker(caller, 0)), "stream": streamed}
        async with await tiny_engine.request_async("POST", "/completion", body) as response:
            if streamed:
                return "".join([event.json()["content"] async for event in response.events()])
            return str((await response.json())["content"])

    async def run() -> list[str | BaseException]:
        tasks = [asyncio.create_task(call(caller)) for caller in range(CALLERS)]
        chance = random.Random(5)  # noqa: S311 - as above
        await asyncio.sleep(0.05)
        for task in chance.sample(tasks, CALLERS // 4):
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(run())
    for caller, answer in enumerate(answers):
        assert isinstance(answer, asyncio.CancelledError) or answer == marker(caller, 0)
    assert sum(isinstance(answer, str) for answer in answers) >= CALLERS * 3 // 4
    wait_until(lambda: busy_slots(tiny_engine) == 0)


def test_a_cancelled_task_frees_its_slot(engine: Engine) -> None:
    async def read(begun: asyncio.Event) -> None:
        response = await engine.request_async("POST", "/completion", LONG)
        begun.set()
        await response.read()

    async def run() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(read(begun))
        await begun.wait()
        assert busy_slots(engine) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    wait_until(lambda: busy_slots(engine) == 0)


def test_one_thread_waits_for_all_tasks(engine: Engine) -> None:
    async def run() -> int:
        responses = await asyncio.gather(*(engine.request_async("POST", "/completion", LONG) for _ in range(3)))
        count = sum(thread.name == "llamapack-engine" for thread in threading.enumerate())
        for response in responses:
            response.close()
        return count

    assert asyncio.run(run()) == 1


def test_an_event_loop_that_is_gone_disturbs_no_other(engine: Engine) -> None:
    async def begin() -> AsyncResponse:
        return await engine.request_async("POST", "/completion", LONG)

    left = asyncio.run(begin())  # goes on after its loop has ended

    async def read() -> str:
        return str((await (await engine.request_async("POST", "/completion", marked("here"))).json())["content"])

    assert asyncio.run(read()) == "here"
    left.close()


def test_a_response_is_read_by_one_thread(engine: Engine) -> None:
    stream = still_streaming(engine)
    reading = threading.Thread(target=_ignore_cancelled, args=(stream.read,))
    reading.start()
    wait_until(stream._reading.locked)
    with pytest.raises(ThreadError):
        stream.read()
    stream.cancel()
    reading.join()


def test_an_engine_is_closed_while_threads_wait_for_it(model_path: object) -> None:
    engine = Engine(str(model_path), ctx_size=512, parallel=1, threads=1, warmup=False)
    ends: list[str] = []
    streams = [engine.request("POST", "/completion", LONG) for _ in range(3)]  # two of them wait for the slot

    def read(number: int) -> None:
        try:
            streams[number].read()
        except CancelledError:
            ends.append("cancelled")

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(stream._reading.locked() for stream in streams))
    engine.close()
    for thread in threads:
        thread.join()
    assert ends == ["cancelled"] * 3


def test_two_engines_work_at_once(engine: Engine, model_path: object) -> None:
    with (
        Engine(str(model_path), ctx_size=512, parallel=2, threads=1, warmup=False) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        wanted = [(each, f"{name}{number}") for number in range(4) for name, each in (("one", engine), ("two", other))]
        given = list(pool.map(lambda pair: completed(pair[0], marked(pair[1])), wanted))
    assert given == [text for _, text in wanted]


def _ignore_cancelled(body: Callable[[], object]) -> None:
    with contextlib.suppress(CancelledError):
        body()
