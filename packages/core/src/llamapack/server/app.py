"""The server as an ASGI application: every request is checked first, and every fault becomes an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib.metadata import version
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import Route, Router

from llamapack.server.bodies import Buffers, ClientGoneError, Receive
from llamapack.server.exchange import Exchange, Handler, Send
from llamapack.server.guard import Guard
from llamapack.server.managing import ManagingRoutes
from llamapack.server.metrics import Metrics
from llamapack.server.ollama import OllamaRoutes
from llamapack.server.openapi import document
from llamapack.server.page import Page, page_files
from llamapack.server.page.serving import METHODS as PAGE_METHODS
from llamapack.server.proxy import Proxy
from llamapack.server.refusal import Refusal
from llamapack.server.routes import MODEL_ROUTES, api_of
from llamapack.server.runners.models import Models
from llamapack.server.settings import Settings
from llamapack.server.status import health, is_ready, metrics_text

logger = logging.getLogger("llamapack.server")
_EXCHANGE = "llamapack.exchange"


class Application:
    """Answers requests for models."""

    def __init__(self, settings: Settings, models: Models) -> None:
        """Make the routes."""
        self.settings = settings
        self.models = models
        self.metrics = Metrics()
        self.connections: Callable[[], int] = lambda: 0
        self.end_feeds: Callable[[], None] = lambda: None
        """Ends the answers that would go on for as long as the server does."""
        self._page = Page(page_files(), switched_on=settings.page)
        self._guard = Guard(settings, page=self._page.paths)
        self._buffers = Buffers(settings.limits)
        self._version = version("llamapack")
        self.handlers = self._make_handlers()
        """What answers at each route but those of the page's files, by method and path."""
        self._router = Router(list(self._routes()), redirect_slashes=False, default=_no_route)

    def _make_handlers(self) -> Mapping[tuple[str, str], Handler]:
        limits = self.settings.limits
        passed = {
            (route.method, route.path): Proxy(route, self.models, self._buffers, limits) for route in MODEL_ROUTES
        }
        ollama = OllamaRoutes(self.models, self._buffers, limits, self._version)
        own: dict[tuple[str, str], Handler] = {
            ("GET", "/health"): self._health,
            ("GET", "/v1/health"): self._health,
            ("GET", "/health/live"): self._live,
            ("GET", "/health/ready"): self._ready,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/openapi.json"): self._describe,
        }
        return {**passed, **ollama.handlers(), **self._managing(), **own}

    def _managing(self) -> Mapping[tuple[str, str], Handler]:
        if self.models.only is not None:
            return {}
        managing = ManagingRoutes(self.models, self._buffers, self.settings)
        self.end_feeds = managing.feed.end
        return managing.handlers()

    def _routes(self) -> Iterator[Route]:
        for (method, path), handler in self.handlers.items():
            yield Route(path, _Endpoint(path, handler), methods=[method])
        for path in sorted(self._page.paths):
            yield Route(path, _Endpoint(path, self._page.answer), methods=list(PAGE_METHODS))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send, api_of(scope["path"]))
        scope[_EXCHANGE] = exchange
        scope["app"] = self  # with it, starlette raises HTTPException for a wrong method, instead of answering
        try:
            await self._answer(exchange, scope, receive, send)
        except ClientGoneError:
            pass
        except Refusal as refusal:
            await exchange.refuse(refusal)
        except asyncio.CancelledError:  # by uvicorn, when the time to finish is over; the task ends here
            await exchange.refuse(Refusal(503, "shutting_down", "The server is shutting down.", retry_after=1))
        except HTTPException as error:
            await exchange.refuse(Refusal(error.status_code, "method_not_allowed", "There is no such method here."))
        except Exception:
            logger.exception("a fault of the server, while it answered %s", exchange.api.value)
            await exchange.refuse(Refusal(500, "server_fault", "The server failed; its log says more."))
        finally:
            exchange.finish(self.metrics)

    async def _answer(self, exchange: Exchange, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        origin = self._guard.allowed_origin(exchange.headers)
        if origin is not None:
            exchange.added_headers += [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
            if exchange.method == "OPTIONS":
                await self._allow(exchange)
                return
        self._guard.check(exchange.path, exchange.headers)
        await self._router(scope, receive, send)

    async def _allow(self, exchange: Exchange) -> None:
        """Answer what browsers ask before a page of an allowed origin may ask."""
        wanted = exchange.headers.get(b"access-control-request-headers", b"*")
        exchange.added_headers += [
            (b"access-control-allow-methods", b"GET, POST, DELETE"),
            (b"access-control-allow-headers", wanted),
            (b"access-control-max-age", b"600"),
        ]
        await exchange.answer(200, "text/plain", b"")

    async def _health(self, exchange: Exchange) -> None:
        details = self._guard.knows_token(exchange.headers)
        await exchange.answer_json(200 if is_ready(self.models) else 503, health(self.models, details=details))

    async def _live(self, exchange: Exchange) -> None:
        await exchange.answer_json(200, {"status": "ok"})

    async def _ready(self, exchange: Exchange) -> None:
        ready = is_ready(self.models)
        await exchange.answer_json(200 if ready else 503, {"status": "ok" if ready else "not ready"})

    async def _describe(self, exchange: Exchange) -> None:
        needs_token, several = bool(self.settings.token), self.models.only is None
        made = document(self.handlers, version=self._version, needs_token=needs_token, several=several)
        await exchange.answer_json(200, made)

    async def _metrics(self, exchange: Exchange) -> None:
        text = await metrics_text(self.metrics, self.models, self.connections())
        await exchange.answer(200, "text/plain; version=0.0.4; charset=utf-8", text.encode())


class _Endpoint:
    """A handler as an ASGI application."""

    def __init__(self, path: str, handler: Handler) -> None:
        self._path = path
        self._handler = handler

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[_EXCHANGE]
        exchange.route = self._path
        await self._handler(exchange)


async def _no_route(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    raise Refusal(404, "no_such_route", "There is no such route here.")
