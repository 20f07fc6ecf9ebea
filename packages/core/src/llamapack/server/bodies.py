"""Bodies of requests, read within limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from llamapack.server.refusal import Refusal
from llamapack.server.settings import MIB, Limits

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGoneError(Exception):
    """The client closed its connection."""


class Buffers:
    """Counts the bytes of all bodies that are held."""

    def __init__(self, limits: Limits) -> None:
        """Begin with none."""
        self.held = 0
        self._limits = limits

    @asynccontextmanager
    async def body(self, headers: Mapping[bytes, bytes], receive: Receive) -> AsyncIterator[bytes]:
        """Read the body of a request, and count it while it is in use.

        Raises Refusal if it is too large or takes too long, and ClientGoneError.
        """
        reading = _Reading(self)
        try:
            reading.announce(headers.get(b"content-length", b"0"))
            try:
                yield await asyncio.wait_for(reading.read(receive), self._limits.body_seconds)
            except asyncio.TimeoutError:
                what = f"The body of the request took more than {self._limits.body_seconds:g} seconds."
                raise Refusal(408, "body_timeout", what) from None
        finally:
            self.held -= reading.counted

    def check(self, size: int, more: int) -> None:
        """Refuse a body of `size` bytes, of which `more` are not counted yet."""
        if size > self._limits.body_bytes:
            what = f"The body of the request is larger than {self._limits.body_bytes / MIB:g} MiB."
            raise Refusal(413, "body_too_large", what)
        if self.held + more > self._limits.buffered_bytes:
            raise Refusal(503, "bodies_too_large", "The requests under way are too large together.", retry_after=1)


class _Reading:
    def __init__(self, buffers: Buffers) -> None:
        self.counted = 0
        self._buffers = buffers

    def announce(self, length: bytes) -> None:
        if length.isdigit():  # of 20 digits at most: there are no longer ones in HTTP as it is read here
            self._count(int(length))

    def _count(self, size: int) -> None:
        more = max(0, size - self.counted)
        self._buffers.check(size, more)
        self.counted += more
        self._buffers.held += more

    async def read(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            self._count(size)
            if not message.get("more_body", False):
                return b"".join(parts)
