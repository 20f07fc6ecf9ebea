"""The address of a runner, and requests to it."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from urllib.parse import quote

LOOPBACK = "127.0.0.1"
_BUSY_SECONDS = 0.005


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a runner listens, a Unix socket or a port on this machine; and what it wants to be told."""

    key: str
    file: str = ""
    port: int = 0

    def connect(self) -> socket.socket:
        """Return a connection; raises OSError if there is none."""
        if not self.file:
            return socket.create_connection((LOOPBACK, self.port))
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self.file)
        except BaseException:
            connection.close()
            raise
        return connection

    async def connect_async(self) -> socket.socket:
        """Return a connection, which does not block; raises OSError if there is none."""
        loop = asyncio.get_running_loop()
        while True:
            connection = socket.socket(socket.AF_UNIX if self.file else socket.AF_INET, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                if self.file:
                    connection.connect(self.file)
                else:
                    await loop.sock_connect(connection, (LOOPBACK, self.port))
            except BlockingIOError:  # more connect at once than a Unix socket holds
                connection.close()
                await asyncio.sleep(_BUSY_SECONDS)
            except BaseException:
                connection.close()
                raise
            else:
                return connection

    def request(self, method: str, path: str, body: bytes, content_type: str = "application/json") -> bytes:
        """Return a request as bytes, on a connection of its own."""
        head = (
            f"{method} {quote(path, safe='/?=&%:,.~-_')} HTTP/1.1\r\n"
            f"Host: {LOOPBACK}\r\n"
            f"Authorization: Bearer {self.key}\r\n"
            f"Content-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode("ascii") + body
