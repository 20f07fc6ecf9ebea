"""Streams: how they are read, cancelled and left."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from llamapack.errors import StateError
from llamapack.llama.aio import AsyncLlama
from llamapack.llama.plans.conversation import converse
from llamapack.llama.plans.events import TextEvent
from llamapack.llama.streaming import Stream

from tests.support.llama.fake_engine import FakeEngine, Given, core, streamed


def stream_of(*answers: Given) -> tuple[Stream[str], FakeEngine]:
    it, engine = core(*answers)
    question = it.question("stream", "Hi", None, {}, streamed=True)
    return Stream(engine, converse(question)), engine


def test_stream_that_is_cancelled_has_the_text_so_far() -> None:
    stream, engine = stream_of(streamed({"content": "a"}, {"content": "b"}, {"content": "c"}))
    pieces = []
    for piece in stream:
        pieces.append(piece)
        stream.cancel()
    assert pieces == ["a"]
    assert (stream.reply.text, stream.reply.finish) == ("a", "cancelled")
    assert engine.responses[0].closed


def test_stream_that_is_left_ends_the_work() -> None:
    stream, engine = stream_of(streamed({"content": "a"}, {"content": "b"}))
    with stream:
        assert next(iter(stream)) == "a"
    assert engine.responses[0].closed
    with pytest.raises(StateError, match=r"It was left"):
        _ = stream.reply


def test_leaving_the_loop_ends_the_work() -> None:
    stream, engine = stream_of(streamed({"content": "a"}, {"content": "b"}))
    for _ in stream:
        break
    gc.collect()
    assert engine.responses[0].closed
    stream, engine = stream_of(streamed({"content": "a"}, {"content": "b"}))
    for _ in stream.events():
        break
    gc.collect()
    assert engine.responses[0].closed


def test_reply_of_a_stream_that_has_begun_waits_for_the_rest() -> None:
    stream, _ = stream_of(streamed({"content": "a"}, {"content": "b"}))
    events = stream.events()
    assert next(events) == TextEvent(text="a")
    assert stream.reply.text == "ab"


def test_progress_of_the_prompt_is_asked_for_where_events_are_read() -> None:
    answer = streamed({"content": "a"})
    for read in (list, lambda stream: stream.reply):
        stream, engine = stream_of(answer)
        read(stream)
        assert "return_progress" not in engine.bodies[0]
    stream, engine = stream_of(answer)
    list(stream.events())
    assert engine.bodies[0]["return_progress"]

    async def main() -> None:
        it, engine = core(answer, answer, answer)
        llm = AsyncLlama(it, Path())
        assert [piece async for piece in llm.stream("a")] == ["a"]
        await llm.stream("a").reply()
        assert [event async for event in llm.stream("a").events()] == [TextEvent(text="a")]
        assert ["return_progress" in body for body in engine.bodies] == [False, False, True]

    asyncio.run(main())


def test_leaving_an_async_loop_ends_the_work() -> None:
    async def main() -> None:
        it, engine = core(streamed({"content": "a"}, {"content": "b"}))
        async for _ in AsyncLlama(it, Path()).stream("a"):
            break
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert engine.responses[0].closed

    asyncio.run(main())


def test_stream_is_read_once() -> None:
    stream, _ = stream_of(streamed({"content": "a"}))
    assert list(stream) == ["a"]
    with pytest.raises(StateError, match=r"can be read once only"):
        list(stream)
    assert stream.reply.text == "a"
