"""Routes of a server with several models: which there are, loading and unloading, as llama.cpp's router has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from llamapack.errors import LlamapackError
from llamapack.server.bodies import Buffers
from llamapack.server.exchange import Exchange, Handler
from llamapack.server.reading import model_name, read_object
from llamapack.server.refusal import Refusal
from llamapack.server.runners.feed import Feed, status_of
from llamapack.server.runners.keeper import Keeper
from llamapack.server.runners.models import Models
from llamapack.server.settings import Settings

_EVENT_STREAM = "text/event-stream"
_PING_SECONDS = 15.0
_PING = b":\n\n"
"""A comment, which is no event: with it, a connection that nobody reads any more is noticed."""


class ManagingRoutes:
    """Tells of models, and loads and unloads them."""

    def __init__(self, models: Models, buffers: Buffers, settings: Settings) -> None:
        """Take what the requests need."""
        self._models = models
        self._buffers = buffers
        self._settings = settings
        self.feed = Feed(models.keepers.values())

    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        """Return the handlers by method and path."""
        return {
            ("GET", "/v1/models"): self._list,
            ("GET", "/models"): self._list,
            ("GET", "/models/sse"): self._tell,
            ("GET", "/props"): self._properties,
            ("POST", "/models/load"): self._load,
            ("POST", "/models/unload"): self._unload,
        }

    async def _list(self, exchange: Exchange) -> None:
        found = [_entry(keeper) for keeper in self._models.keepers.values()]
        await exchange.answer_json(200, {"object": "list", "data": found})

    async def _tell(self, exchange: Exchange) -> None:
        await exchange.work(self._stream(exchange), self._settings.limits.request_seconds)

    async def _stream(self, exchange: Exchange) -> None:
        await exchange.begin(200, _EVENT_STREAM)
        await exchange.write(_PING)
        async for event in self.feed.listen(_PING_SECONDS):
            await exchange.write(b"data: " + json.dumps(event).encode() + b"\n\n" if event else _PING)
        await exchange.end()

    async def _properties(self, exchange: Exchange) -> None:
        query = parse_qs(exchange.query)
        if name := query.get("model", [""])[0]:
            loads = query.get("autoload", ["true"])[0] not in ("false", "0")
            await exchange.work(self._properties_of(name, loads, exchange), self._settings.limits.request_seconds)
        else:
            await exchange.answer_json(200, self._own_properties())

    async def _properties_of(self, name: str, loads: bool, exchange: Exchange) -> None:
        keeper = self._models.find(name)
        if not loads and keeper.state != "ready":
            raise Refusal(400, "model_not_loaded", "This model is not loaded.")
        async with self._models.use(keeper), keeper.quick.place():
            try:
                properties = await (await keeper.ask("GET", "/props")).json()
            except LlamapackError as error:
                raise keeper.refusal_of(error) from error
        properties["ui"] = True  # the runner has no page; llama.cpp's hides models that say so
        await exchange.answer_json(200, properties)

    def _own_properties(self) -> Mapping[str, Any]:
        """Return what a client learns of a server that is no model: the field's names are those of llama.cpp's."""
        return {
            "role": "router",
            "max_instances": self._settings.most_loaded or 0,  # 0 is for no limit
            "models_autoload": True,
            "model_alias": "llamapack",
            "model_path": "none",
            "default_generation_settings": {"params": {}, "n_ctx": 0},
            "ui_settings": {},
            "cors_proxy_enabled": False,
        }

    async def _load(self, exchange: Exchange) -> None:
        async with self._models.use(await self._named(exchange)):
            await exchange.answer_json(200, {"success": True})

    async def _unload(self, exchange: Exchange) -> None:
        await self._models.unload(await self._named(exchange))
        await exchange.answer_json(200, {"success": True})

    async def _named(self, exchange: Exchange) -> Keeper:
        async with self._buffers.body(exchange.headers, exchange.receive) as body:
            return self._models.find(model_name(read_object(body)))


def _entry(keeper: Keeper) -> Mapping[str, Any]:
    created = int(keeper.model.path.stat().st_mtime) if keeper.model.path.exists() else 0
    modalities = ["text", *(["image", "audio"] if keeper.takes_media else [])]
    return {
        "id": keeper.model.name,
        "object": "model",
        "owned_by": "llamapack",
        "created": created,
        "status": status_of(keeper),
        "aliases": [],
        "tags": [],
        "architecture": {"input_modalities": modalities, "output_modalities": ["text"]},
    }
