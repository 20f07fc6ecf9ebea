"""One request to a runner: sent, unless the runner is about to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from llamapack.errors import LlamapackError
from llamapack.runner.aio import AsyncRunnerResponse
from llamapack.runner.child import Child
from llamapack.server.refusal import Refusal

_GONE = (ConnectionError, FileNotFoundError)
"""What connecting raises where nobody listens."""
_UNAVAILABLE = 503
_LOOK_SECONDS = 0.1
_LOOKS = 20
_RETRY = 2.0


@dataclass(frozen=True, kw_only=True)
class RunnerRequest:
    """A request for a runner. `uses_slot` says whether a slot works on it."""

    path: str
    method: str = "POST"
    body: bytes = b""
    content_type: str = "application/json"
    uses_slot: bool = True


class GoneError(Exception):
    """The runner has ended, or is about to; nothing of the request was worked on."""


async def send(
    child: Child, request: RunnerRequest, lost: Callable[[], Awaitable[LlamapackError]]
) -> AsyncRunnerResponse:
    """Send a request, and return the answer when its status is known.

    `lost` says why the runner is gone. Raises GoneError, and Refusal where this process may open no more connections.
    """
    if child.address is None:
        raise GoneError
    try:
        connection = await child.address.connect_async()
    except _GONE as error:
        await lost()
        raise GoneError from error
    except OSError as error:
        what = f"The server cannot open one more connection: {error.strerror}."
        raise Refusal(_UNAVAILABLE, "out_of_connections", what, retry_after=_RETRY) from error
    response = AsyncRunnerResponse(connection, lost)
    await response.start(child.address.request(request.method, request.path, request.body, request.content_type))
    if response.status == _UNAVAILABLE and await _is_ending(child):
        response.close()
        await lost()
        raise GoneError
    return response


async def _is_ending(child: Child) -> bool:
    """Return whether a runner that is not available is about to end, which it tells a moment before or after."""
    for _ in range(_LOOKS):
        if not child.usable:
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False
