"""Answers requests for files of the page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property

from llamapack.server.exchange import Exchange
from llamapack.server.page.files import PageFile
from llamapack.server.page.policy import content_security_policy

METHODS = ("GET", "HEAD")
ROUTE = "page"
"""How all of its files are called in logs and numbers."""
_YEAR = 31_536_000
_NO_PAGE = b"""This is llamapack, a server for language models, and it is running.
This build of llamapack has no web page: it was made without npm.
"""
_TURNED_OFF = b"""This is llamapack, a server for language models, and it is running.
Its web page is switched off.
"""
_HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Page:
    """The page of a server, or what stands in its place."""

    def __init__(self, files: Mapping[str, PageFile], *, switched_on: bool = True) -> None:
        """Take the files by their paths."""
        self._files = files if switched_on else {}
        self._instead = _NO_PAGE if switched_on else _TURNED_OFF

    @property
    def paths(self) -> frozenset[str]:
        """The paths of addresses that are answered here. They need no token: all may know what they hold."""
        return frozenset({"/", *self._files})

    async def answer(self, exchange: Exchange) -> None:
        """Answer a request for one of `paths`."""
        exchange.route = ROUTE
        exchange.added_headers += _HEADERS
        if file := self._files.get(exchange.path):
            await self._send(exchange, file)
        else:
            await _finish(exchange, 200, "text/plain; charset=utf-8", self._instead)

    async def _send(self, exchange: Exchange, file: PageFile) -> None:
        packed = file.is_packed and _takes_gzip(exchange.headers.get(b"accept-encoding", b""))
        tag = f'"{await asyncio.to_thread(lambda: file.digest)}{"-gzip" if packed else ""}"'.encode()
        kept = f"public, max-age={_YEAR}, immutable" if file.keeps else "no-cache"
        exchange.added_headers += [
            (b"etag", tag),
            (b"cache-control", kept.encode()),
            (b"vary", b"accept-encoding"),
            (b"content-security-policy", (await asyncio.to_thread(lambda: self._policy)).encode()),
        ]
        if _matches(exchange.headers.get(b"if-none-match", b""), tag):
            await exchange.begin(304, file.media_type)
            await exchange.end()
            return
        if packed:
            exchange.added_headers.append((b"content-encoding", b"gzip"))
        await _finish(exchange, 200, file.media_type, await asyncio.to_thread(file.read, packed=packed))

    @cached_property
    def _policy(self) -> str:
        return content_security_policy(self._files["/"].read(packed=False).decode("utf-8"))


async def _finish(exchange: Exchange, status: int, media_type: str, body: bytes) -> None:
    """Send an answer; to HEAD, only how long it would be."""
    await exchange.begin(status, media_type, len(body))
    await exchange.end(b"" if exchange.method == "HEAD" else body)


def _takes_gzip(accepted: bytes) -> bool:
    """Return whether a client takes gzip, by `Accept-Encoding`."""
    for each in accepted.decode("latin-1").lower().split(","):
        name, _, weight = each.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _matches(header: bytes, tag: bytes) -> bool:
    """Return whether a client has this version already, by `If-None-Match`."""
    known = {each.strip().removeprefix(b"W/") for each in header.split(b",")}
    return tag in known or b"*" in known
