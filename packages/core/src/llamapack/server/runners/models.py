"""The models of a server: found by name, loaded when they are asked for, and unloaded when they are in the way."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from llamapack.errors import ModelMemoryError
from llamapack.runner.memory import Memory, Neighbour, Shortage
from llamapack.runner.needs import HOST, Need, host_need
from llamapack.server.prompt_cache import Store
from llamapack.server.refusal import Refusal
from llamapack.server.runners.keeper import Keeper, Measure
from llamapack.server.settings import ModelSettings, Settings

logger = logging.getLogger("llamapack.server")
_LOOK_SECONDS = 1.0
_GIVEN_BACK_SECONDS = 5.0
"""How long a device may take to give back the memory of a process that has ended."""
_MEASURE_SECONDS = 0.2
_TAG = ":latest"
"""What Ollama's clients add to names."""


class Models:
    """All models. A single one is loaded at once, stays, and answers to every name."""

    def __init__(self, models: Sequence[ModelSettings], settings: Settings) -> None:
        """Begin with none loaded."""
        folder = settings.prompt_cache
        self.store = None if folder is None else Store(folder, settings.prompt_cache_bytes)
        admission = self if len(models) > 1 else None
        self.keepers = {model.name: Keeper(model, settings, admission, self.store) for model in models}
        self.only = next(iter(self.keepers.values())) if len(self.keepers) == 1 else None
        self._settings = settings
        self._uses: Counter[str] = Counter()
        self._last_use: dict[str, float] = {}
        self._unload_at: dict[str, float] = {}
        self._changing = asyncio.Lock()
        self._loading = asyncio.Lock()
        self._memory = Memory(settings.memory_bytes, settings.reserve_bytes)
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
            keep = self._keep_seconds(keeper) if keep_seconds is None else keep_seconds
            stays = keep < 0 or keeper.model.pin or self.only is not None
            self._unload_at[name] = float("inf") if stays else time.monotonic() + keep
            self._freed.set()

    def _keep_seconds(self, keeper: Keeper) -> float:
        own = keeper.model.keep_seconds
        return self._settings.keep_seconds if own is None else own

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
            for keeper in self.keepers.values():
                if keeper.model.pin:
                    await self._start(keeper)
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
                most = self._settings.most_loaded
                if most is None or len(running) < most:
                    await keeper.stop()  # it may be on its way: who asked for that did not wait
                    keeper.start()
                    break
                if not await self._unload_one_of(running, keeper):
                    return False
        return True

    async def _unload_one_of(self, running: Iterable[Keeper], instead: Keeper) -> bool:
        """Unload the least important, and of those the one that was not asked for longest; False if none may be."""
        idle = [each for each in running if not self._uses[each.model.name] and not each.model.pin]
        if not idle:
            return False
        first = min(idle, key=lambda each: (each.model.priority, self._last_use.get(each.model.name, 0.0)))
        logger.info("%s is unloaded, to make room for %s", first.model.name, instead.model.name)
        await asyncio.shield(first.stop())
        return True

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Let one model be loaded after the other: what one takes is to be measured before the next one asks."""
        async with self._loading:
            yield

    async def make_room(self, keeper: Keeper, measure: Measure) -> None:
        """Wait until a model fits, and unload others for it; one that does not even fit alone is loaded none the less.

        Raises ModelMemoryError if all others are in use for as long as requests wait.
        """
        end = time.monotonic() + self._settings.limits.waiting_seconds
        needs = await measure()
        while missing := self._shortages(keeper, needs):
            others = [each for each in self.keepers.values() if each is not keeper and each.running]
            if not others:
                logger.warning("%s is loaded although it may not fit: %s", keeper.model.name, _in_words(missing))
                return
            async with self._changing:
                unloaded = await self._unload_one_of(others, keeper)
            if unloaded:
                needs = await self._after_unloading(keeper, needs, measure)
                continue
            if time.monotonic() > end:
                what = f"There is no room for {keeper.model.name}: all other models are in use, or pinned."
                raise ModelMemoryError(what, why=_in_words(missing), fix="Ask again later, or give it less context.")
            self._freed.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._freed.wait(), _LOOK_SECONDS)
            needs = await measure()

    def _shortages(self, keeper: Keeper, needs: Sequence[Need]) -> list[Shortage]:
        others = (each for each in self.keepers.values() if each is not keeper)
        neighbours = [Neighbour(pid=each.pid, needed=host_need(each.needs)) for each in others if each.pid is not None]
        return self._memory.shortages(needs, neighbours)

    async def _after_unloading(self, keeper: Keeper, before: Sequence[Need], measure: Measure) -> Sequence[Need]:
        """Measure again, until a device has given back what the unloaded model had there, if it lacks memory."""
        end = time.monotonic() + _GIVEN_BACK_SECONDS
        needs = await measure()
        while self._lacks_device(keeper, needs) and not _more_is_free(before, needs) and time.monotonic() < end:
            await asyncio.sleep(_MEASURE_SECONDS)
            needs = await measure()
        return needs

    def _lacks_device(self, keeper: Keeper, needs: Sequence[Need]) -> bool:
        return any(each.need.device != HOST for each in self._shortages(keeper, needs))


def _in_words(missing: Iterable[Shortage]) -> str:
    return " ".join(map(str, missing))


def _more_is_free(before: Iterable[Need], now: Iterable[Need]) -> bool:
    was = {need.device: need.free for need in before}
    return any((need.free or 0) > (was.get(need.device) or 0) for need in now)
