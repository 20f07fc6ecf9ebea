"""The slots of a runner, as `GET /slots` shows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A slot: `task` is the number of its last request, -1 before the first, and `tokens` is how many it holds."""

    id: int
    busy: bool
    task: int
    tokens: int


def read_slots(found: Sequence[Mapping[str, Any]]) -> list[Slot]:
    """Read what `GET /slots` answers; raises KeyError, TypeError or ValueError if it is something else."""
    return [
        Slot(
            id=int(each["id"]),
            busy=bool(each["is_processing"]),
            task=int(each.get("id_task", -1)),
            tokens=int(each.get("n_prompt_tokens", 0)),
        )
        for each in found
    ]


def newest_task(slots: Sequence[Slot]) -> int:
    """Return the number of the last request of all; numbers grow."""
    return max((slot.task for slot in slots), default=-1)


def free_slot(slots: Sequence[Slot]) -> Slot | None:
    """Return the slot to restore to: a free one, and one that holds nothing if possible."""
    return min((slot for slot in slots if not slot.busy), key=lambda slot: (slot.tokens, slot.task), default=None)


def answered_slot(slots: Sequence[Slot], after: int, told: Collection[int]) -> Slot | None:
    """Return the slot that has answered a request which was sent when `after` was the last one.

    `told` are requests that are known to be others. None if it is not clear which, or another request has the slot.
    """
    found = [slot for slot in slots if not slot.busy and slot.tokens and slot.task > after and slot.task not in told]
    return found[0] if len(found) == 1 else None
