"""What the server says of itself: whether it is well, and numbers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

from llamapack.errors import LlamapackError
from llamapack.server.keeper import Keeper
from llamapack.server.metrics import Metrics, label, resident_bytes, sample, with_model
from llamapack.server.refusal import Refusal

_SECONDS = 1.0


def health(keeper: Keeper, *, details: bool) -> dict[str, Any]:
    """Return the state of the server; with `details`, why a model failed, which may name files."""
    names = {"loading": "loading model", "ready": "ok", "ended": "error", "waiting": "error", "stopped": "stopping"}
    found: dict[str, Any] = {"status": names[keeper.state]}
    if details:
        found["model"] = {
            "name": keeper.model.name,
            "state": keeper.state,
            "progress": round(keeper.progress, 3),
            "restarts": keeper.restarts,
            "reason": keeper.reason,
        }
        found["requests"] = {"active": keeper.slots.active, "waiting": keeper.slots.waiting}
    return found


async def metrics_text(metrics: Metrics, keeper: Keeper, connections: int) -> str:
    """Return all numbers, those of the runner among them, in Prometheus's text format."""
    lines = [*metrics.lines(), *_of_keeper(keeper, connections), *await _of_runner(keeper)]
    return "\n".join(lines) + "\n"


def _of_keeper(keeper: Keeper, connections: int) -> Iterator[str]:
    of = f'model="{label(keeper.model.name)}"'
    yield from sample("llamapack_connections", "gauge", "Open connections.", {"": connections})
    for name, kind, text, value in (
        ("llamapack_requests_active", "gauge", "Requests that slots work on.", keeper.slots.active),
        ("llamapack_requests_waiting", "gauge", "Requests that wait for a slot.", keeper.slots.waiting),
        ("llamapack_model_ready", "gauge", "1 if the model is loaded.", int(keeper.state == "ready")),
        ("llamapack_model_restarts_total", "counter", "How often it was started again.", keeper.restarts),
    ):
        yield from sample(name, kind, text, {of: value})
    pids = {'process="server"': os.getpid(), f'process="runner",{of}': keeper.pid}
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
