"""Many prompts at once, and the asynchronous calls, without a model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from llamapack.errors import InputError
from llamapack.llama.aio import AsyncLlama
from llamapack.llama.mapping import map_prompts, map_prompts_async
from llamapack.llama.plans.replies import Reply
from llamapack.llama.plans.running import carry_out
from llamapack.typed.returns import Returns, returns_of

from tests.support.llama.fake_engine import FakeAsyncResponse, FakeEngine, Given, core, said, streamed


def echo(path: str, body: Mapping[str, Any]) -> Given:
    return said(body["messages"][-1]["content"].upper())


def mapped(prompts: Any, **options: Any) -> tuple[Iterator[Reply[Any]], FakeEngine]:
    it, engine = core()
    engine.answers = echo
    parallel = options.pop("parallel", 2)
    ordered = options.pop("ordered", True)
    return map_prompts(engine, it.plans("map", None, options), prompts, parallel, ordered=ordered), engine


@pytest.mark.parametrize("ordered", [True, False])
def test_map_yields_every_reply_with_its_number(ordered: bool) -> None:
    replies, _ = mapped([f"p{number}" for number in range(20)], ordered=ordered)
    found = [(reply.index, reply.text) for reply in replies]
    assert (found if ordered else sorted(found)) == [(number, f"P{number}") for number in range(20)]


def test_map_reads_only_as_far_as_there_is_room() -> None:
    read: list[int] = []

    def prompts() -> Iterator[str]:
        for number in range(100):
            read.append(number)
            yield str(number)

    replies, _ = mapped(prompts())
    assert next(replies).index == 0
    assert len(read) <= 4
    replies.close()  # type: ignore[attr-defined]  # a generator
    assert len(read) <= 4


def test_map_ends_with_the_first_error() -> None:
    replies, _ = mapped(["a", 3, "c"])
    with pytest.raises(InputError, match=r"A prompt must be a text"):
        list(replies)
    assert threading.active_count() < 20


class SlowFirst(FakeEngine):
    """Answers the prompt "0" when "2" was asked, and counts how many requests are under way."""

    def __init__(self) -> None:
        super().__init__(answers=echo)
        self.asked_for_2 = asyncio.Event()
        self.under_way = self.most = 0

    async def request_async(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> FakeAsyncResponse:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        prompt = (body or {})["messages"][-1]["content"]
        if prompt == "2":
            self.asked_for_2.set()
        if prompt == "0":
            await self.asked_for_2.wait()
        await asyncio.sleep(0)
        self.under_way -= 1
        return await super().request_async(method, path, body)


def test_a_slow_prompt_holds_no_other_up() -> None:
    async def main() -> None:
        it, _ = core()
        engine = SlowFirst()
        replies = map_prompts_async(engine, it.plans("map", None, {}), map(str, range(6)), 2, ordered=True)
        assert [reply.text async for reply in replies] == list("012345")
        assert engine.most == 2

    asyncio.run(asyncio.wait_for(main(), 30))


def test_many_prompts_share_one_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def counted(kind: Any) -> Returns:
        made.append(kind)
        return returns_of(kind)

    monkeypatch.setattr("llamapack.llama.core.returns_of", counted)
    it, engine = core(said("true"), said("false"))
    plans = it.plans("map", bool, {"system": "Be brief"})
    assert [carry_out(engine, plans(prompt)).value for prompt in ("a", "b")] == [True, False]
    assert [body["messages"][1]["content"] for body in engine.bodies] == ["a", "b"]
    assert made == [bool]


def test_wrong_options_of_many_prompts_are_refused_before_the_first() -> None:
    it, _ = core()
    for options, message in (({"top_k": -1}, "top_k must be"), ({"system": 3}, "system must be a text")):
        with pytest.raises(InputError, match=message):
            it.plans("map", None, options)


def test_async_calls_are_the_same() -> None:
    async def main() -> None:
        it, engine = core(said("A"), streamed({"content": "b"}), said("C"))
        aio = AsyncLlama(it, Path())
        assert str(await aio("a")) == "A"
        stream = aio.stream("b")
        assert [piece async for piece in stream] == ["b"]
        assert (await stream.reply()).text == "b"
        talk = aio.chat(system="s")
        await talk("c")
        assert len(talk.messages) == 3
        engine.answers = echo
        assert [reply.text async for reply in aio.map(["x", "y", "z"])] == ["X", "Y", "Z"]
        assert sorted([reply.index async for reply in aio.map(iter("abcd"), ordered=False)]) == [0, 1, 2, 3]

    asyncio.run(main())
