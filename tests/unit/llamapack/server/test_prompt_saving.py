"""What the prompt cache asks of a runner, and what it does if that goes wrong: a runner that is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from llamapack.errors import RunnerError
from llamapack.server.prompt_cache import PromptCache, Store, cache
from llamapack.server.refusal import Refusal

PATH = "/completion"
LONG, OTHER = (json.dumps({"prompt": letter * 4096}).encode() for letter in "ab")


class Answer:
    def __init__(self, status: int, value: object) -> None:
        self.status = status
        self._data = json.dumps(value).encode()

    async def read(self) -> bytes:
        return self._data

    async def json(self) -> Any:
        return json.loads(self._data)


class Runner:
    """Two slots. `finish` is what happens when a request is answered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.slots: list[dict[str, Any]] = [{"id": number, "is_processing": False} for number in (0, 1)]
        self.asked: list[str] = []
        self.fault: BaseException | None = None
        self.refusal = ""
        self.tasks = 0

    def finish(self, slot: int) -> None:
        self.tasks += 1
        self.slots[slot] |= {"id_task": self.tasks, "n_prompt_tokens": 1000}

    async def ask(self, method: str, path: str, body: bytes) -> Any:
        if path == "/slots":
            return Answer(200, self.slots)
        self.asked.append(path)
        file = self.folder / json.loads(body)["filename"]
        if path.endswith("save"):
            file.write_bytes(b"state" * 100)
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        if self.refusal:
            return Answer(400, {"error": {"message": self.refusal}})
        return Answer(200, {"n_saved": 1000, "n_restored": 1000})


Start = Callable[[], tuple[PromptCache, Runner]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Return a cache and its runner, after a start."""
    monkeypatch.setattr(cache, "key_of", lambda _: "0" * 32)
    monkeypatch.setattr(cache, "why_off", lambda _: "")

    def begin() -> tuple[PromptCache, Runner]:
        runner = Runner(tmp_path / "cache" / ("0" * 32))
        found = PromptCache("tiny", Store(tmp_path / "cache", 10_000), runner.ask)
        monkeypatch.setattr(cache, "replace", lambda wanted, **_: wanted)

        class Wanted:
            options: dict[str, object] = {}  # noqa: RUF012 - nothing changes it

        found.prepare(Wanted())  # type: ignore[arg-type]  # stands for one
        found.loaded(can_roll_back=True, slots=2)
        return found, runner

    return begin


async def answer(prompts: PromptCache, runner: Runner, body: bytes, slot: int = 0) -> None:
    use = await prompts.before(PATH, body)
    runner.finish(slot)
    prompts.after(use)
    await prompts.finish()


def left(runner: Runner) -> list[str]:
    return sorted(path.suffix for path in runner.folder.iterdir())


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        await asyncio.wait_for(work(), 30)

    asyncio.run(in_time())


def test_a_long_prompt_is_saved_once_and_restored_by_the_next_runner(start: Start) -> None:
    async def work() -> None:
        prompts, runner = start()
        for _ in range(3):
            await answer(prompts, runner, LONG, slot=1)
        assert runner.asked == ["/slots/1?action=save"]
        assert (prompts.counts.saved, prompts.counts.in_memory, prompts.counts.missed) == (1, 2, 1)
        again, other = start()
        other.slots[0]["is_processing"] = True
        for _ in range(2):
            await answer(again, other, LONG, slot=1)
        assert other.asked == ["/slots/1?action=restore"]
        assert (again.counts.restored, again.counts.in_memory, again.counts.saved) == (1, 1, 0)

    run(work)


def test_a_request_that_comes_meanwhile_waits_until_the_slot_is_saved(start: Start) -> None:
    async def work() -> None:
        prompts, runner = start()
        use = await prompts.before(PATH, LONG)
        runner.finish(0)
        prompts.after(use)
        await asyncio.sleep(0)
        await prompts.before(PATH, b"{}")
        assert runner.asked == ["/slots/0?action=save"]

    run(work)


def test_nothing_is_saved_if_it_is_not_clear_which_slot_has_answered(start: Start) -> None:
    async def work() -> None:
        prompts, runner = start()
        use = await prompts.before(PATH, LONG)
        runner.finish(0)
        runner.finish(1)
        prompts.after(use)
        await prompts.finish()
        assert (runner.asked, prompts.counts.unclear, left(runner)) == ([], 1, [])
        await answer(prompts, runner, LONG)  # the next one tries again
        assert prompts.counts.saved == 1

    run(work)


@pytest.mark.parametrize(
    "fault",
    [
        RunnerError("The process ended.", status=-9, log=()),
        Refusal(503, "model_not_ready", "It has just ended."),
        asyncio.TimeoutError(),
        ValueError("no JSON"),
    ],
)
def test_a_runner_that_ends_while_it_saves_leaves_no_file(
    start: Start, fault: BaseException, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("llamapack.server.prompt_cache.cache.time.monotonic", lambda: now[0])

    async def work() -> None:
        prompts, runner = start()
        runner.fault = fault
        await answer(prompts, runner, LONG)
        assert (prompts.counts.failures, prompts.counts.saved, left(runner)) == (1, 0, [])
        assert prompts.status()["reason"].startswith("a prompt could not be saved")
        assert "could not be saved" in caplog.text
        runner.fault = None
        await answer(prompts, runner, OTHER)
        assert len(runner.asked) == 1  # not with every request
        now[0] += 100
        await answer(prompts, runner, OTHER)
        assert (prompts.counts.saved, prompts.status()["reason"], left(runner)) == (1, "", [".json", ".state"])

    run(work)


@pytest.mark.parametrize(
    ("refusal", "kept"),
    [
        ("the file of the slot is damaged, or no engine of llamapack saved it: x", False),
        ("there is no file of a slot x", False),
        ("Unable to restore slot: No available space in KV cache or invalid slot save file", True),
    ],
)
def test_a_file_that_is_refused_is_tried_once(start: Start, refusal: str, kept: bool) -> None:
    async def work() -> None:
        prompts, runner = start()
        await answer(prompts, runner, LONG)
        again, other = start()
        other.refusal = refusal
        for _ in range(2):
            assert await again.before(PATH, LONG) is not None or kept
        assert (other.asked, again.counts.failures) == (["/slots/0?action=restore"], 1)
        assert (left(other) != []) == kept

    run(work)


def test_a_prompt_of_which_a_file_has_little_does_without(start: Start) -> None:
    async def work() -> None:
        prompts, runner = start()
        for prompt in ("a" * 40_000, "b" * 2_500):
            await answer(prompts, runner, json.dumps({"prompt": prompt}).encode())
        again, other = start()
        for prompt in ("a" * 3_000 + "x" * 3_000, "b" * 2_500 + "y" * 20_000):
            await again.before(PATH, json.dumps({"prompt": prompt}).encode())
        assert (other.asked, again.counts.missed) == ([], 2)

    run(work)


def test_a_prompt_that_was_overwritten_in_memory_is_restored_again(start: Start) -> None:
    async def work() -> None:
        prompts, runner = start()
        await answer(prompts, runner, LONG)
        await answer(prompts, runner, OTHER)
        again, other = start()
        other.slots = other.slots[:1]
        again._cache_ram = 0
        again.loaded(can_roll_back=True, slots=1)
        for body in (LONG, OTHER, LONG):
            await answer(again, other, body)
        assert other.asked == ["/slots/0?action=restore"] * 3

    run(work)
