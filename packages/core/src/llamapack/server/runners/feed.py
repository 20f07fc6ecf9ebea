"""Tells those who listen how the states of models change, as llama.cpp's router does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from llamapack.server.runners.keeper import Keeper

Event = Mapping[str, Any]
_VALUES: Mapping[str, str] = {"ready": "loaded", "unloaded": "unloaded", "failed": "unloaded"}
_LOADING = "loading"
_FAILED_EXIT = 1
_MOST_EVENTS = 256
"""A client that is so far behind is let go; it may ask again."""


def status_of(keeper: Keeper) -> dict[str, Any]:
    """Return the state of a model in the words of llama.cpp's router."""
    failed = {"failed": True, "exit_code": _FAILED_EXIT} if keeper.state == "failed" else {}
    return {"value": _VALUES.get(keeper.state, _LOADING), **failed}


class Feed:
    """The changes of all models."""

    def __init__(self, keepers: Iterable[Keeper]) -> None:
        """Listen to the models."""
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._last: dict[str, Event] = {}
        for keeper in keepers:
            keeper.watchers.append(self._note)

    async def listen(self, seconds: float) -> AsyncIterator[Event | None]:
        """Yield what happens from now on until the feed ends, and None after so many seconds in which nothing did."""
        events: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_EVENTS)
        self._listeners.add(events)
        try:
            while events in self._listeners or not events.empty():
                try:
                    event = await asyncio.wait_for(events.get(), seconds)
                except asyncio.TimeoutError:
                    yield None
                    continue
                if event is None:
                    return
                yield event
        finally:
            self._listeners.discard(events)

    def end(self) -> None:
        """Let all listeners go: the server ends."""
        for events in list(self._listeners):
            self._let_go(events)

    def _note(self, keeper: Keeper) -> None:
        """Tell of a model whose state has been set."""
        event = _event(keeper)
        if event == self._last.get(keeper.model.name) and keeper.state != "failed":
            return
        self._last[keeper.model.name] = event
        for events in list(self._listeners):
            if events.full():
                self._let_go(events)
            else:
                events.put_nowait(event)

    def _let_go(self, events: asyncio.Queue[Event | None]) -> None:
        self._listeners.discard(events)
        if not events.full():
            events.put_nowait(None)


def _event(keeper: Keeper) -> Event:
    status = status_of(keeper)
    data: dict[str, Any] = {"status": status["value"]}
    if data["status"] == "unloaded":
        data["exit_code"] = status.get("exit_code", 0)
    return {"model": keeper.model.name, "event": "status_change", "data": data}
