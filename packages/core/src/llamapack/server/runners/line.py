"""Requests in a line: as many at once as a model has slots, and a limited number that waits for one."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from llamapack.server.refusal import Refusal

_USUAL_SECONDS = 1.0
_LONGEST_RETRY = 60.0
_NEW = 0.2
"""How much the last request counts for the mean time of one."""


class Line:
    """Lets requests in, first come, first served. It begins closed: they wait until `open` says how many may enter."""

    def __init__(self, most: int, seconds: float) -> None:
        """Let at most `most` wait, and each so many seconds."""
        self.active = 0
        self._most = most
        self._seconds = seconds
        self._capacity = 0
        self._refusal: Callable[[], Refusal] | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean = _USUAL_SECONDS

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def open(self, capacity: int) -> None:
        """Let so many work at once."""
        self._capacity, self._refusal = capacity, None
        self._admit()

    def hold(self) -> None:
        """Let nobody in for now; new requests wait."""
        self._capacity, self._refusal = 0, None

    def refuse(self, why: Callable[[], Refusal]) -> None:
        """Refuse all who wait, and new ones, until it is opened or held again."""
        self._capacity, self._refusal = 0, why
        while self._waiting:
            self._waiting.popleft().set_exception(why())

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it; raises Refusal if there is none."""
        await self._enter()
        began = time.monotonic()
        try:
            yield
        finally:
            self._mean += _NEW * (time.monotonic() - began - self._mean)
            self.active -= 1
            self._admit()

    async def _enter(self) -> None:
        if self._refusal is not None:
            raise self._refusal()
        if self.active < self._capacity and not self._waiting:
            self.active += 1
            return
        if len(self._waiting) >= self._most:
            what = f"{len(self._waiting)} requests are waiting already."
            raise Refusal(429, "queue_full", what, retry_after=self._expected())
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await asyncio.wait_for(asyncio.shield(future), self._seconds)
        except asyncio.TimeoutError:
            self._leave(future)
            what = f"No slot was free for {self._seconds:g} seconds."
            raise Refusal(503, "queue_timeout", what, retry_after=self._expected()) from None
        except asyncio.CancelledError:
            self._leave(future)
            raise

    def _leave(self, future: asyncio.Future[None]) -> None:
        """Take one who waits no more out of the line; give back a place that came too late."""
        if not future.done():
            self._waiting.remove(future)
            future.cancel()
        elif future.exception() is None:
            self.active -= 1
            self._admit()

    def _admit(self) -> None:
        while self._waiting and self.active < self._capacity:
            future = self._waiting.popleft()
            self.active += 1
            future.set_result(None)

    def _expected(self) -> float:
        """Return in how many seconds about there may be a place."""
        rounds = (self.waiting + 1) / max(1, self._capacity)
        return min(_LONGEST_RETRY, max(1.0, rounds * self._mean))
