"""What a machine can do for a cell of the matrix: run it, emulate it, compile it, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tools.matrix import Cell, Level, Matrix, host_target

CPUINFO = Path("/proc/cpuinfo")


class How(StrEnum):
    """How a cell is proven, the strongest first."""

    NATIVE = "native"
    EMULATED = "emulated"
    COMPILED = "compiled and audited"
    NOT = "not verified"


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to prove a cell on a host: by which program, and what the host must have for it."""

    how: How
    by: str = ""
    flags: tuple[str, ...] = ()
    device: str = ""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine: its target, its processor's features (None: unknown), and the backends whose device it has."""

    target: str
    features: frozenset[str] | None
    devices: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a machine runs a CPU level (None: unknown), and the flags that it lacks."""

    level: str
    runs: bool | None
    missing: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why the level does not run, or may not; empty when it does."""
        if self.runs is None:
            return f"{self.level} may not run here: what this processor has is not known on this system"
        return f"{self.level} needs {', '.join(self.missing)}, which this processor lacks" if self.missing else ""


def this_host(devices: Sequence[str] = ()) -> Host:
    """Describe the machine that runs this; `devices` are the backends whose device the caller has found."""
    return Host(target=host_target(), features=host_features(), devices=frozenset(devices))


def host_features(system: str = sys.platform, cpuinfo: Path = CPUINFO) -> frozenset[str] | None:
    """Return what every processor of this machine can do, in the words of Linux; None where no one says."""
    if system != "linux":
        return None
    try:
        return features_of(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def features_of(cpuinfo: str) -> frozenset[str] | None:
    """Return the features that all processors of a `/proc/cpuinfo` share; None where it lists none."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    found = [frozenset(words.split()) for key, _, words in lines if key.strip() in ("flags", "Features")]
    return frozenset.intersection(*found) if found else None


def runnable_levels(matrix: Matrix, host: Host) -> tuple[Verdict, ...]:
    """Say for each CPU level of the host's target whether the host runs it."""
    return tuple(_verdict(matrix, level, host.features) for level in matrix.levels_of(host.target))


def ways(matrix: Matrix, cell: Cell, host: str) -> tuple[Way, ...]:
    """Return the ways to prove `cell` on a machine of target `host`, the strongest first; none when there is none."""
    found = _cpu_ways(matrix, cell, host) if cell.backend == "cpu" else _gpu_ways(matrix, cell, host)
    return tuple(sorted(found, key=lambda way: list(How).index(way.how)))


def proof(matrix: Matrix, cell: Cell, host: Host) -> Way:
    """Return the strongest way in which this very `host` can prove `cell`."""
    for way in ways(matrix, cell, host.target):
        if _has(matrix, host, cell, way):
            return way
    return Way(how=How.NOT)


def _cpu_ways(matrix: Matrix, cell: Cell, host: str) -> Iterator[Way]:
    target = matrix.target(cell.target)
    level = matrix.level(cell.target, cell.level) if cell.level else matrix.levels_of(cell.target)[0]
    if host == cell.target:
        yield Way(how=How.NATIVE, flags=level.flags)
    if host == cell.target or host in target.compiled:
        yield Way(how=How.COMPILED)
    emulator = target.emulated.get(host, "")
    if emulator == "wine":
        yield Way(how=How.EMULATED, by="wine", flags=level.flags)
    elif emulator and level.qemu:
        yield Way(how=How.EMULATED, by=f"{emulator} -cpu {level.qemu}")


def _gpu_ways(matrix: Matrix, cell: Cell, host: str) -> Iterator[Way]:
    backend = matrix.backend(cell.backend)
    if host != cell.target:
        return
    yield Way(how=How.NATIVE, device=backend.device)
    yield Way(how=How.COMPILED)
    if host in backend.software:
        yield Way(how=How.EMULATED, by=backend.software[host])


def _has(matrix: Matrix, host: Host, cell: Cell, way: Way) -> bool:
    if way.device and cell.backend not in host.devices:
        return False
    return not way.flags or (host.features is not None and not _missing(matrix, way.flags, host.features))


def _verdict(matrix: Matrix, level: Level, features: frozenset[str] | None) -> Verdict:
    if features is None:
        return Verdict(level=level.name, runs=None if level.flags else True, missing=())
    missing = _missing(matrix, level.flags, features)
    return Verdict(level=level.name, runs=not missing, missing=missing)


def _missing(matrix: Matrix, flags: Sequence[str], features: frozenset[str]) -> tuple[str, ...]:
    return tuple(flag for flag in flags if not matrix.flags[flag] <= features)
