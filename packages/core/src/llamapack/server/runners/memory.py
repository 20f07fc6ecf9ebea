"""Whether there is memory for one more model, by what its runner measured, and by what the other runners hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from llamapack._util.cgroups import available_memory
from llamapack.server.settings import MIB

HOST = ""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a model takes of one memory, in bytes.

    `device` is HOST for the machine's own. `free` is how much is free there, and None if that is not known.
    """

    device: str
    needed: int
    free: int | None = None


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """A memory in which a model has no room: it may take `free` bytes of it, and needs more."""

    need: Need
    free: int

    def __str__(self) -> str:
        """Return it in words."""
        place = "this machine" if self.need.device == HOST else self.need.device
        return f"It takes {_mib(self.need.needed)} of {place}, where {_mib(max(0, self.free))} may be taken."


def read_needs(devices: Sequence[Mapping[str, Any]] | None) -> tuple[Need, ...]:
    """Return what a runner measured. Devices that share the machine's memory take theirs of that, too."""
    found = devices or ()
    own = sum(int(each["needed"]) for each in found if each["shares_host_memory"])
    needs = [
        Need(device=each["name"], needed=int(each["needed"]), free=each["free"])
        for each in found
        if each["name"] != HOST
    ]
    return (*needs, Need(device=HOST, needed=own)) if found else ()


def host_need(needs: Iterable[Need]) -> int:
    """Return what of the machine's memory a model takes, as far as that was measured."""
    return sum(each.needed for each in needs if each.device == HOST)


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """Another runner: its process, and what of the machine's memory its model takes."""

    pid: int
    needed: int


class Memory:
    """The memory of this machine and its devices, as far as models may take it."""

    def __init__(self, limit: int | None, reserve: int) -> None:
        """Let all models take `limit` bytes of the machine's memory, None for all; `reserve` bytes are left of each."""
        self._limit = limit
        self._reserve = reserve

    def shortages(self, needs: Iterable[Need], neighbours: Sequence[Neighbour]) -> list[Shortage]:
        """Return the memories in which a model has no room."""
        return list(self._shortages(needs, neighbours))

    def _shortages(self, needs: Iterable[Need], neighbours: Sequence[Neighbour]) -> Iterator[Shortage]:
        for need in needs:
            free = self._free_of_host(neighbours) if need.device == HOST else self._free_of(need)
            if free is not None and need.needed > free:
                yield Shortage(need=need, free=free)

    def _free_of(self, need: Need) -> int | None:
        return None if need.free is None else need.free - self._reserve

    def _free_of_host(self, neighbours: Sequence[Neighbour]) -> int:
        """Return how much a model may take.

        What the system calls available counts pages of files that others have mapped, such as their models: so what
        they hold of their own is compared with what they take altogether.
        """
        yet_to_take = sum(max(0, each.needed - _own_bytes(each.pid)) for each in neighbours)
        free = _available() - yet_to_take - self._reserve
        if self._limit is not None:
            free = min(free, self._limit - sum(each.needed for each in neighbours))
        return free


def resident_bytes(pid: int) -> int | None:
    """Return how much memory a process has; None if there is no such process."""
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return None


def _own_bytes(pid: int) -> int:
    """Return how much memory a process has that is not a file's."""
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(pid).memory_info()
        return int(found.rss - getattr(found, "shared", 0))
    return 0


def _available() -> int:
    available = int(psutil.virtual_memory().available)
    allowed = available_memory()
    return available if allowed is None else min(available, allowed)


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"
