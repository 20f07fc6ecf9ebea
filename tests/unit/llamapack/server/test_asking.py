"""A request to a runner: one that is about to end, or is gone, worked on nothing of it."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass
from typing import Any, cast

import pytest
from llamapack.errors import LlamapackError, RunnerError
from llamapack.runner.child import Child
from llamapack.runner.connection import Address
from llamapack.server.refusal import Refusal
from llamapack.server.runners.asking import GoneError, RunnerRequest, send

REQUEST = RunnerRequest(path="/completion", body=b"{}")


@dataclass
class Stub:
    """As much of a child as is looked at."""

    address: Address | None
    usable: bool = True


async def lost() -> LlamapackError:
    return RunnerError("It is gone.", status=1, log=())


async def ask(status: bytes, *, usable: bool) -> int:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        stub = Stub(Address(key="a", port=server.sockets[0].getsockname()[1]), usable=usable)
        response = await send(cast(Child, stub), REQUEST, lost)
        assert await response.read() == b"{}"
        return response.status


def test_an_answer_is_handed_on() -> None:
    assert asyncio.run(ask(b"200 OK", usable=True)) == 200
    assert asyncio.run(ask(b"400 Bad Request", usable=False)) == 400


def test_one_that_is_about_to_end_is_gone() -> None:
    with pytest.raises(GoneError):
        asyncio.run(ask(b"503 Service Unavailable", usable=False))


def test_one_where_nobody_listens_is_gone() -> None:
    async def check(address: Address | None) -> None:
        await send(cast(Child, Stub(address)), REQUEST, lost)

    for address in (None, Address(key="a", file="/nowhere/socket")):
        with pytest.raises(GoneError):
            asyncio.run(check(address))


def test_a_lack_of_descriptors_is_not_the_end_of_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    async def never() -> LlamapackError:
        raise AssertionError

    monkeypatch.setattr(Address, "connect_async", fail)
    with pytest.raises(Refusal, match="cannot open one more connection: Too many open files") as caught:
        asyncio.run(send(cast(Child, Stub(Address(key="a", port=1))), REQUEST, never))
    assert (caught.value.status, caught.value.code) == (503, "out_of_connections")
