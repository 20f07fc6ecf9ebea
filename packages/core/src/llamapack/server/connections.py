"""Connections of clients: uvicorn's, with limits on what a client may hold open without asking anything."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from llamapack.server.settings import Limits

logger = logging.getLogger("llamapack.server")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TICKS = 5
"""Connections are looked at at every so many of uvicorn's ticks, which are a tenth of a second."""
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Configuration(uvicorn.Config):
    """uvicorn's configuration, for us, with our limits."""

    def __init__(self, app: Any, limits: Limits, drain_seconds: int) -> None:
        """Have uvicorn do what is needed, and log nothing."""
        super().__init__(
            app,
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=drain_seconds,
        )
        self.limits = limits


class Connection(H11Protocol):
    """One connection of a client."""

    busy = False
    since = 0.0
    """When it began to wait for a request."""
    stalled_since: float | None = None
    """When the client stopped to take what is sent."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, unless there are too many."""
        super().connection_made(transport)
        self.since = time.monotonic()
        if len(self.connections) > self._limits.connections:
            transport.write(_FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        if not self.transport.is_closing():
            super().data_received(data)

    def pause_writing(self) -> None:
        """Note that the client takes nothing for now."""
        self.stalled_since = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that it does again."""
        self.stalled_since = None
        super().resume_writing()

    def look(self, now: float) -> None:
        """Close it if it has held out too long without a request, or without taking its answer."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever its type says
        busy = cycle is not None and not cycle.response_complete
        if busy or self.busy:
            self.busy, self.since = busy, now
        if self.stalled_since is not None and now - self.stalled_since > self._limits.stalled_seconds:
            self.transport.abort()
        elif not busy and now - self.since > self._limits.head_seconds:
            self.transport.close()

    @property
    def _limits(self) -> Limits:
        assert isinstance(self.config, Configuration)
        return self.config.limits


class Server(uvicorn.Server):
    """uvicorn, whose end is graceful at the first signal, and quick at the second."""

    ending: Callable[[], None] = staticmethod(lambda: None)
    """Called when it is about to end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end a program, while this runs in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after the requests under way; at the second signal, at once."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True  # and nothing else: a line of the log may be half written just now

    async def on_tick(self, counter: int) -> bool:
        """Look at the connections now and then."""
        if counter % _TICKS == 0:
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.look(now)
        if self.should_exit:
            self.ending()
            logger.info("ending after the requests under way; another signal ends it at once")
        return await super().on_tick(counter)
