"""Routes of a server with several models: which there are, loading and unloading, as llama.cpp's router has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llamapack.server.bodies import Buffers
from llamapack.server.exchange import Exchange, Handler
from llamapack.server.reading import model_name, read_object
from llamapack.server.runners.keeper import Keeper
from llamapack.server.runners.models import Models


class ManagingRoutes:
    """Tells of models, and loads and unloads them."""

    def __init__(self, models: Models, buffers: Buffers) -> None:
        """Take what the requests need."""
        self._models = models
        self._buffers = buffers

    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        """Return the handlers by method and path."""
        return {
            ("GET", "/v1/models"): self._list,
            ("GET", "/models"): self._list,
            ("POST", "/models/load"): self._load,
            ("POST", "/models/unload"): self._unload,
        }

    async def _list(self, exchange: Exchange) -> None:
        found = [_entry(keeper) for keeper in self._models.keepers.values()]
        await exchange.answer_json(200, {"object": "list", "data": found})

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
    states = {"ready": "loaded", "unloaded": "unloaded", "failed": "unloaded", "loading": "loading"}
    status = {"value": states.get(keeper.state, "loading"), "failed": keeper.state == "failed"}
    created = int(keeper.model.path.stat().st_mtime) if keeper.model.path.exists() else 0
    return {"id": keeper.model.name, "object": "model", "owned_by": "llamapack", "created": created, "status": status}
