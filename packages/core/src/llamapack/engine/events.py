"""Server-sent events, which a streamed answer consists of: lines `data: JSON`, and an empty one behind each event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DONE = "[DONE]"
"""What OpenAI's interface ends a stream with."""


@dataclass(frozen=True, kw_only=True)
class ServerEvent:
    """One event: its name, empty where it has none, and its data as text."""

    name: str
    data: str

    def json(self) -> Any:
        """Read the data as JSON."""
        return json.loads(self.data)


class EventReader:
    """Find the events in pieces of bytes, which may end anywhere."""

    def __init__(self) -> None:
        """Begin a stream."""
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[ServerEvent]:
        """Yield the events that `data` completes, but for the one that says that the stream is done."""
        *complete, self._rest = (self._rest + data).split(b"\n\n")
        for block in complete:
            event = _read(block.decode("utf-8", "replace"))
            if event is not None and event.data != DONE:
                yield event


def _read(block: str) -> ServerEvent | None:
    """Read the lines of one event; a comment alone, such as a ping, is none."""
    if block.startswith("data: ") and "\n" not in block:  # as nearly all are
        return ServerEvent(name="", data=block[6:])
    fields: dict[str, list[str]] = {"event": [], "data": []}
    for line in block.split("\n"):
        name, _, value = line.partition(":")
        if name in fields:
            fields[name].append(value.removeprefix(" "))
    if not fields["data"]:
        return None
    return ServerEvent(name="".join(fields["event"]), data="\n".join(fields["data"]))
