"""Limits on connections, without a network: who asks nothing, or takes nothing of an answer, is closed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llamapack.server.connections import Configuration, Connection, Server
from llamapack.server.settings import Limits

LIMITS = Limits(connections=2, head_seconds=10, stalled_seconds=20)


class Transport(asyncio.Transport):
    """A connection of a client that only notes what happens to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = ""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = self.closed or "closed"

    def abort(self) -> None:
        self.closed = "aborted"

    def is_closing(self) -> bool:
        return bool(self.closed)

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def app(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(1000)


def connect(server: Server) -> tuple[Connection, Transport]:
    config = server.config
    if not config.loaded:
        config.load()
    connection, transport = Connection(config, server.server_state, {}), Transport()
    connection.connection_made(transport)
    return connection, transport


@pytest.fixture
def server() -> Server:
    return Server(Configuration(app, LIMITS, 1))


def test_one_without_a_request_is_closed(server: Server) -> None:
    async def check() -> None:
        connection, transport = connect(server)
        connection.look(connection.since + 9)
        assert not transport.is_closing()
        connection.data_received(b"GET / HTTP/1.1\r\nHost: a")  # a part of a head is none
        connection.look(connection.since + 11)
        assert transport.closed == "closed"

    asyncio.run(check())


def test_one_that_is_being_answered_stays(server: Server) -> None:
    async def check() -> None:
        connection, transport = connect(server)
        connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.look(connection.since + 1000)
        assert not transport.is_closing()
        connection.pause_writing()
        assert connection.stalled_since is not None
        connection.look(connection.stalled_since + 19)
        assert not transport.is_closing()
        connection.resume_writing()
        connection.look(connection.since + 10_000)
        assert not transport.is_closing()
        connection.pause_writing()
        connection.look(connection.stalled_since + 21)
        assert transport.closed == "aborted"
        for task in server.server_state.tasks:
            task.cancel()

    asyncio.run(check())


def test_one_too_many_is_told_so(server: Server) -> None:
    async def check() -> list[Transport]:
        return [connect(server)[1] for _ in range(3)]

    first, second, third = asyncio.run(check())
    assert not first.closed
    assert not second.closed
    assert third.closed
    assert third.written.startswith(b"HTTP/1.1 503 ")
