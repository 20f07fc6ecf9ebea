"""Requests passed to a model's runner, and its answers passed back, byte for byte."""

from __future__ import annotations

import json
from typing import Any

from llamapack.runner.aio import AsyncRunnerResponse
from llamapack.server.bodies import Buffers
from llamapack.server.exchange import Exchange
from llamapack.server.naming import model_in
from llamapack.server.refusal import Api, Refusal, anthropic_error
from llamapack.server.routes import ModelRoute
from llamapack.server.runners.asking import RunnerRequest
from llamapack.server.runners.models import Models
from llamapack.server.settings import MIB, Limits

_WHOLE_BYTES = MIB
"""Answers up to this size are sent with their length."""
_JSON = "application/json"
_MALFORMED = "The form cannot be read: its parts, or the boundary in the header `Content-Type`, are wrong."
"""Forms are the only requests that the model's process refuses without a word."""


class Proxy:
    """Passes on the requests of one route."""

    def __init__(self, route: ModelRoute, models: Models, buffers: Buffers, limits: Limits) -> None:
        """Take what the requests need."""
        self._route = route
        self._models = models
        self._buffers = buffers
        self._limits = limits

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one; raises Refusal, and ClientGoneError."""
        content_type = exchange.headers.get(b"content-type", b"").decode("latin-1") if self._route.takes_form else ""
        content_type = content_type or _JSON
        if not (content_type.isascii() and content_type.isprintable()):
            raise Refusal(400, "invalid_header", "The header `Content-Type` has characters that it may not have.")
        async with self._buffers.body(exchange.headers, exchange.receive) as body:
            await exchange.work(self._pass_on(exchange, body, content_type), self._limits.request_seconds)

    async def _pass_on(self, exchange: Exchange, body: bytes, content_type: str) -> None:
        request = RunnerRequest(
            method=self._route.method,
            path=self._route.path,
            body=body,
            content_type=content_type,
            uses_slot=self._route.uses_slot,
        )
        only = self._models.only
        keeper = only or self._models.find(model_in(body, content_type, exchange.query))
        async with self._models.use(keeper):
            await keeper.answer(request, lambda response: self._return(response, exchange))

    async def _return(self, response: AsyncRunnerResponse, exchange: Exchange) -> None:
        kind, status = response.content_type, response.status
        if kind.startswith("text/event-stream"):
            await exchange.begin(status, kind)
            async for piece in response:
                await exchange.write(piece)
            await exchange.end()
            return
        pieces = aiter(response)
        first = b""
        async for piece in pieces:
            first += piece
            if len(first) > _WHOLE_BYTES:
                break
        else:
            if status >= 400 and not first:
                raise Refusal(status, "invalid_request", _MALFORMED)
            await exchange.answer(status, kind, _as_anthropic(first) if self._translates(status) else first)
            return
        await exchange.begin(status, kind)
        await exchange.write(first)
        async for piece in pieces:
            await exchange.write(piece)
        await exchange.end()

    def _translates(self, status: int) -> bool:
        """Return whether the answer is an error in llama.cpp's shape, which this client does not read."""
        return status >= 400 and self._route.api is Api.ANTHROPIC


def _as_anthropic(body: bytes) -> bytes:
    try:
        error: Any = json.loads(body)["error"]
        return json.dumps(anthropic_error(int(error["code"]), str(error["message"]))).encode()
    except (ValueError, KeyError, TypeError):
        return body
