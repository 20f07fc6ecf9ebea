"""One request and its answer: passed to whoever answers it, watched, counted, and told of in the log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from llamapack.server.bodies import ClientGoneError, Receive
from llamapack.server.metrics import Metrics
from llamapack.server.refusal import Api, Refusal

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
logger = logging.getLogger("llamapack.server")
_CLIENT_GONE = 499
"""The status in logs and numbers of a request whose client went away."""
_UNKNOWN = "other"
"""How routes that there are not are called there: a client could invent any number of names."""


class Exchange:
    """A request that is being answered. What stands in it goes to no log."""

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send, api: Api) -> None:
        """Take a request of ASGI."""
        self.path: str = scope["path"]
        self.method: str = scope["method"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.api = api
        self.receive = receive
        self.route = _UNKNOWN
        self.added_headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.sent_bytes = 0
        self._id = secrets.token_hex(8)
        self._send = send
        self._began = time.monotonic()
        self._first: float | None = None
        self._complete = False

    async def begin(self, status: int, content_type: str, length: int | None = None) -> None:
        """Send the head of the answer."""
        headers = [(b"content-type", content_type.encode("latin-1")), (b"x-request-id", self._id.encode())]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        if content_type.startswith("text/event-stream"):
            headers.append((b"cache-control", b"no-cache"))
        await self._begin(status, headers)

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        self._first = time.monotonic() - self._began
        headers.append((b"x-content-type-options", b"nosniff"))
        await self._send({"type": "http.response.start", "status": status, "headers": headers + self.added_headers})

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body; waits while the client takes nothing."""
        self.sent_bytes += len(piece)
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self, piece: bytes = b"") -> None:
        """Send the last piece."""
        self.sent_bytes += len(piece)
        self._complete = True
        await self._send({"type": "http.response.body", "body": piece, "more_body": False})

    async def answer(self, status: int, content_type: str, body: bytes) -> None:
        """Send a whole answer."""
        await self.begin(status, content_type, len(body))
        await self.end(body)

    async def answer_json(self, status: int, value: object) -> None:
        """Send a whole answer as JSON."""
        text = json.dumps(value, ensure_ascii=False)
        await self.answer(status, "application/json; charset=utf-8", text.encode("utf-8", "replace"))

    async def refuse(self, refusal: Refusal) -> None:
        """Say why there is no answer, or why it does not go on."""
        if self._complete:
            return
        if self.status:
            await self.end(refusal.event(self.api, self.path))
            return
        body = refusal.body(self.api)
        length = (b"content-length", str(len(body)).encode())
        await self._begin(refusal.status, [*refusal.headers(), length, (b"x-request-id", self._id.encode())])
        await self.end(body)

    async def work(self, doing: Awaitable[None], seconds: float) -> None:
        """Do the work of an answer until it is done, the client goes away, or the time is up."""
        task = asyncio.ensure_future(doing)
        gone = asyncio.ensure_future(_until_gone(self.receive))
        try:
            await asyncio.wait({task, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if gone.done():
                raise ClientGoneError
            raise Refusal(504, "request_timeout", f"The request took more than {seconds:g} seconds.")
        finally:
            for each in (task, gone):
                each.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task  # it may have to close a connection

    def finish(self, metrics: Metrics) -> None:
        """Count it, and tell of it in the log."""
        seconds = time.monotonic() - self._began
        status = self.status if self._complete else _CLIENT_GONE
        metrics.note(self.route, status, seconds, self._first, self.sent_bytes)
        what = "%s %s %d %.3fs %d bytes %s"
        logger.info(what, self.method, self.route, status, seconds, self.sent_bytes, self._id)


Handler = Callable[[Exchange], Awaitable[None]]
"""Answers a request, or raises Refusal."""


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
