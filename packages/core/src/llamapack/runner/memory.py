"""Whether there is memory for one more model, by what its runner measured, and by what other runners hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from llamapack._util.memory import available_memory
from llamapack.runner.needs import HOST, Need

_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """A memory in which a model has no room: it may take `free` bytes of it, and needs more."""

    need: Need
    free: int

    def __str__(self) -> str:
        """Return it in words."""
        return f"It takes {_mib(self.need.needed)} of {self.need.place}, where {_mib(max(0, self.free))} may be taken."


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

    def shortages(self, needs: Iterable[Need], neighbours: Sequence[Neighbour] = ()) -> list[Shortage]:
        """Return the memories in which a model has no room."""
        return list(self._shortages(needs, neighbours))

    def _shortages(self, needs: Iterable[Need], neighbours: Sequence[Neighbour]) -> Iterator[Shortage]:
        for need in needs:
            free = self.free(need, neighbours)
            if free is not None and need.needed > free:
                yield Shortage(need=need, free=free)

    def free(self, need: Need, neighbours: Sequence[Neighbour] = ()) -> int | None:
        """Return how much a model may take of a memory; None if that is not known."""
        return self._free_of_host(neighbours) if need.device == HOST else self._free_of(need)

    def _free_of(self, need: Need) -> int | None:
        return None if need.free is None else need.free - self._reserve

    def _free_of_host(self, neighbours: Sequence[Neighbour]) -> int:
        """Return how much a model may take.

        What the system calls available counts pages of files that others have mapped, such as their models: so what
        they hold of their own is compared with what they take altogether.
        """
        yet_to_take = sum(max(0, each.needed - _own_bytes(each.pid)) for each in neighbours)
        free = available_memory() - yet_to_take - self._reserve
        if self._limit is not None:
            free = min(free, self._limit - sum(each.needed for each in neighbours))
        return free


def resident_bytes(pid: int) -> int | None:
    """Return how much memory a process has; None if there is no such process."""
    import psutil

    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return None


def _own_bytes(pid: int) -> int:
    """Return how much memory a process has that is not a file's."""
    import psutil

    with contextlib.suppress(psutil.Error):
        found = psutil.Process(pid).memory_info()
        return int(found.rss - getattr(found, "shared", 0))
    return 0


def _mib(size: int) -> str:
    return f"{size / _MIB:,.0f} MiB"
