"""What type checkers make of calls: nothing here runs, mypy checks it with the rest of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from llamapack import Llama
    from llamapack.llama import AsyncStream, Chat, Event, Ranked, Reply, Score, Stream
    from typing_extensions import assert_type


@dataclass
class Book:
    title: str


def calls(llm: Llama) -> None:
    assert_type(llm("a"), Reply[str])
    assert_type(llm("a").value, str)
    assert_type(llm("a", returns=Book), Reply[Book])
    assert_type(llm("a", returns=Book).value.title, str)
    assert_type(llm("a", returns=list[int]).value, list[int])
    assert_type(llm("a", returns=bool, temperature=0.5, tools=[calls]).value, bool)
    assert_type(llm("a", returns=Literal["yes", "no"]), Reply[Any])
    assert_type(llm([{"role": "user", "content": "a"}]), Reply[str])


def streams(llm: Llama) -> None:
    assert_type(llm.stream("a"), Stream[str])
    assert_type(llm.stream("a", returns=Book).reply.value, Book)
    assert_type(llm.stream("a").events(), Iterator[Event])
    assert_type(llm.map(["a"]), Iterator[Reply[str]])
    assert_type(llm.map(["a"], returns=Book), Iterator[Reply[Book]])


def others(llm: Llama) -> None:
    assert_type(llm.chat(system="a"), Chat)
    assert_type(llm.chat()("a", returns=Book), Reply[Book])
    assert_type(llm.embed(["a"]), npt.NDArray[np.float32])
    assert_type(llm.rank("a", ["b"]), list[Ranked])
    assert_type(llm.score("a", ["b"]), list[Score])
    assert_type(llm.tokenize("a"), list[int])
    assert_type(llm.complete("a", max_tokens=1), Reply[str])


async def awaited(llm: Llama) -> None:
    assert_type(await llm.aio("a"), Reply[str])
    assert_type(await llm.aio("a", returns=Book), Reply[Book])
    assert_type(llm.aio.stream("a", returns=Book), AsyncStream[Book])
    assert_type(llm.aio.map(["a"], returns=Book), AsyncIterator[Reply[Book]])
    assert_type(await llm.aio.chat()("a"), Reply[str])


def faults(llm: Llama) -> None:
    llm("a", temprature=1)  # type: ignore[call-overload]  # no such option
    llm("a", temperature="hot")  # type: ignore[call-overload]  # wrong type
    llm(3)  # type: ignore[call-overload]  # no prompt
