"""The models of a server: found by name, loaded when they are asked for, and unloaded when they are in the way."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from llamapack.server.prompt_cache import Store
from llamapack.server.refusal import Refusal
from llamapack.server.runners.keeper import Keeper
from llamapack.server.settings import ModelSettings, Settings

logger = logging.getLogger("llamapack.server")
_LOOK_SECONDS = 1.0
_TAG = ":latest"
"""What Ollama's clients add to names."""


class Models:
    """All models. A single one is loaded at once, stays, and answers to every name."""

    def __init__(self, models: Sequence[ModelSettings], settings: Settings) -> None:
        """Begin with none loaded."""
        folder = settings.prompt_cache
        self.store = None if folder is None else Store(folder, settings.prompt_cache_bytes)
        self.keepers = {model.name: Keeper(model, settings, self.store) for model in models}
        self.only = next(iter(self.keepers.values())) if len(self.keepers) == 1 else None
        self._settings = settings
        self._uses: Counter[str] = Counter()
        self._last_use: dict[str, float] = {}
        self._unload_at: dict[str, float] = {}
        self._changing = asyncio.Lock()
        self._freed = asyncio.Event()
        self._waiting = 0

    def find(self, name: str) -> Keeper:
        """Return the model with this name; raises Refusal if there is none."""
        if self.only is not None:
            return self.only
        found = self.keepers.get(name) or self.keepers.get(name.removesuffix(_TAG))
        if found is None:
            raise Refusal(404, "model_not_found", f"There is no model {name[:200]!r} here.")
        return found

    @asynccontextmanager
    async def use(self, keeper: Keeper, keep_seconds: float | None = None) -> AsyncIterator[Keeper]:
        """Have a model loaded, or being loaded, and let it not be unloaded meanwhile; raises Refusal.

        `keep_seconds` is how long it stays loaded afterwards; negative is for ever, and None what the settings say.
        """
        name = keeper.model.name
        self._uses[name] += 1
        try:
            if not keeper.running:
                await self._load(keeper)
            yield keeper
        finally:
            self._uses[name] -= 1
            self._last_use[name] = time.monotonic()
            keep = self._settings.keep_seconds if keep_seconds is None else keep_seconds
            self._unload_at[name] = float("inf") if keep < 0 or self.only is not None else time.monotonic() + keep
            self._freed.set()

    async def unload(self, keeper: Keeper) -> None:
        """Unload a model, whatever it works on: those requests are refused."""
        async with self._changing:
            await asyncio.shield(keeper.stop())

    async def run(self) -> None:
        """Unload models whose time is over, until this is cancelled; then all.

        Raises what loading a single one raises.
        """
        try:
            if self.only is not None:
                await self.only.start()
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                await self._unload_old()
        finally:
            await asyncio.shield(asyncio.gather(*(keeper.stop() for keeper in self.keepers.values())))

    async def _unload_old(self) -> None:
        now = time.monotonic()
        async with self._changing:
            for name, keeper in self.keepers.items():
                if keeper.running and not self._uses[name] and now >= self._unload_at.get(name, float("inf")):
                    logger.info("%s is unloaded: it was not asked for", name)
                    await keeper.stop()

    async def _load(self, keeper: Keeper) -> None:
        limits = self._settings.limits
        if self._waiting >= limits.waiting:
            raise Refusal(429, "queue_full", f"{self._waiting} requests are waiting already.", retry_after=5)
        self._waiting += 1
        try:
            await asyncio.wait_for(self._make_room(keeper), limits.waiting_seconds)
        except asyncio.TimeoutError:
            what = f"All models that may be loaded were in use for {limits.waiting_seconds:g} seconds."
            raise Refusal(503, "queue_timeout", what, retry_after=5) from None
        finally:
            self._waiting -= 1

    async def _make_room(self, keeper: Keeper) -> None:
        while not await self._start(keeper):
            self._freed.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._freed.wait(), _LOOK_SECONDS)

    async def _start(self, keeper: Keeper) -> bool:
        """Start a model, after unloading those that were not asked for longest; return False if all are in use."""
        async with self._changing:
            while not keeper.running:
                running = [each for each in self.keepers.values() if each.running]
                if len(running) < self._settings.most_loaded:
                    keeper.start()
                    break
                idle = [each for each in running if not self._uses[each.model.name]]
                if not idle:
                    return False
                oldest = min(idle, key=lambda each: self._last_use.get(each.model.name, 0.0))
                logger.info("%s is unloaded, to make room for %s", oldest.model.name, keeper.model.name)
                await asyncio.shield(oldest.stop())
        return True
