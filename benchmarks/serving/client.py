"""A client of any of the servers: requests at once, and streams, with little work of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from llamapack.errors import LlamapackError
from llamapack.runner.aio import AsyncRunnerResponse
from llamapack.runner.connection import Address

from benchmarks.processes import BenchmarkError


async def ask(port: int, path: str, body: Mapping[str, Any] | None = None) -> AsyncRunnerResponse:
    """Send a request, a GET if it has no body, and return the answer when its status is known."""
    address = Address(key="none", port=port)
    connection = await address.connect_async()
    method = "GET" if body is None else "POST"
    data = b"" if body is None else json.dumps(body).encode()

    async def lost() -> LlamapackError:
        return LlamapackError(f"The server at port {port} closed the connection.")

    return await AsyncRunnerResponse(connection, lost).start(address.request(method, path, data))


async def read_json(port: int, path: str) -> Any:
    """Return what a GET answers."""
    async with await ask(port, path) as response:
        return await response.json()


async def events(response: AsyncRunnerResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects of a stream: of server-sent events, or of lines. Raises BenchmarkError for an error in it."""
    if response.status != 200:
        raise BenchmarkError(f"{response.status}: {(await response.read())[:500]!r}")
    rest = b""
    async for piece in response:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            text = line.removeprefix(b"data: ")
            if text.startswith(b"{"):
                event = json.loads(text)
                if event.get("error"):
                    raise BenchmarkError(f"The stream ends with {event['error']}")
                yield event
