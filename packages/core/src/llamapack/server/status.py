"""What the server says of itself: whether it is well, and numbers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llamapack.errors import LlamapackError
from llamapack.runner.memory import resident_bytes
from llamapack.server.metrics import Metrics, grouped, label, sample, with_model
from llamapack.server.prompt_cache.counts import prompt_cache_lines
from llamapack.server.refusal import Refusal
from llamapack.server.runners.keeper import Keeper
from llamapack.server.runners.models import Models

_SECONDS = 1.0
_IN_WORDS = {"loading": "loading model", "ready": "ok", "unloaded": "stopping"}


def is_ready(models: Models) -> bool:
    """Return whether requests are answered: with several models always, because they are loaded when asked for."""
    return models.only is None or models.only.state == "ready"


def health(models: Models, *, details: bool) -> dict[str, Any]:
    """Return the state of the server; with `details`, why a model failed, which may name files."""
    only = models.only
    found: dict[str, Any] = {"status": "ok" if only is None else _IN_WORDS.get(only.state, "error")}
    if details:
        keepers = list(models.keepers.values())
        found["models"] = [_about(keeper) for keeper in keepers]
        found["requests"] = {
            "active": sum(keeper.slots.active for keeper in keepers),
            "waiting": sum(keeper.slots.waiting for keeper in keepers),
        }
    return found


def _about(keeper: Keeper) -> Mapping[str, Any]:
    return {
        "name": keeper.model.name,
        "state": keeper.state,
        "progress": round(keeper.progress, 3),
        "restarts": keeper.restarts,
        "reason": keeper.reason,
        "kind": keeper.kind,
        "notes": keeper.recovery.notes,
        "needs": {need.device or "host": need.needed for need in keeper.needs},
        "memory": None if keeper.pid is None else resident_bytes(keeper.pid),
        "active": keeper.slots.active,
        "waiting": keeper.slots.waiting,
        "prompt_cache": keeper.prompts.status(),
    }


async def metrics_text(metrics: Metrics, models: Models, connections: int) -> str:
    """Return all numbers, those of the runners among them, in Prometheus's text format."""
    keepers = list(models.keepers.values())
    texts = await asyncio.gather(*(_of_runner(keeper) for keeper in keepers if keeper.state == "ready"))
    runners = grouped(line for text in texts for line in text)
    return "\n".join([*metrics.lines(), *_of_keepers(keepers, connections), *runners]) + "\n"


def _of_keepers(keepers: Iterable[Keeper], connections: int) -> Iterator[str]:
    by_label = {f'model="{label(keeper.model.name)}"': keeper for keeper in keepers}
    yield from sample("llamapack_connections", "gauge", "Open connections.", {"": connections})
    for name, kind, text, value in (
        ("llamapack_requests_active", "gauge", "Requests that slots work on.", lambda each: each.slots.active),
        ("llamapack_requests_waiting", "gauge", "Requests that wait for a slot.", lambda each: each.slots.waiting),
        ("llamapack_model_ready", "gauge", "1 if the model is loaded.", lambda each: int(each.state == "ready")),
        ("llamapack_model_restarts_total", "counter", "How often it was started again.", lambda each: each.restarts),
    ):
        yield from sample(name, kind, text, {of: value(keeper) for of, keeper in by_label.items()})
    yield from prompt_cache_lines({of: keeper.prompts.counts for of, keeper in by_label.items()})
    pids = {f'process="runner",{of}': keeper.pid for of, keeper in by_label.items()}
    pids['process="server"'] = os.getpid()
    sizes = {name: resident_bytes(pid) for name, pid in pids.items() if pid is not None}
    known = {name: size for name, size in sizes.items() if size is not None}
    yield from sample("llamapack_resident_bytes", "gauge", "Memory of the processes.", known)


async def _of_runner(keeper: Keeper) -> list[str]:
    async def read() -> bytes:
        return await (await keeper.ask("GET", "/metrics")).read()

    try:
        text = (await asyncio.wait_for(read(), _SECONDS)).decode("utf-8", "replace")
    except (LlamapackError, Refusal, asyncio.TimeoutError):
        return []  # it has ended, or is busy; the other numbers say so
    return list(with_model(text.splitlines(), keeper.model.name))
