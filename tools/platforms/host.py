"""What this machine can do for a cell of the matrix: run it, emulate it, compile it, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tools.matrix import Cell, Matrix, host_target
from tools.matrix.matrix import EMULATORS, Level
from tools.platforms.emulators import USED, emulators, how_to_get

CPUINFO = Path("/proc/cpuinfo")


class Method(StrEnum):
    """How a cell is checked, the strongest first."""

    NATIVE = "native"
    EMULATED = "emulated"
    LOADED = "compiled, audited and loaded"
    COMPILED = "compiled and audited"
    NOT = "not verified"


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to check a cell on a host: the program that runs it, and what the host must have for it."""

    how: Method
    by: str = ""
    flags: tuple[str, ...] = ()
    device: str = ""

    @property
    def program(self) -> str:
        """The name of the emulator or software device; empty if the target itself runs it."""
        return self.by.partition(" ")[0]


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine: its target, its CPU features (None: unknown), the backends with a device, and its emulators."""

    target: str
    features: frozenset[str] | None
    devices: frozenset[str] = frozenset()
    emulators: frozenset[str] = frozenset()


def this_host(devices: Sequence[str] = ()) -> Host:
    """Return a description of this machine; `devices` are the backends for which the caller has found a device."""
    return Host(target=host_target(), features=host_features(), devices=frozenset(devices), emulators=emulators())


def host_features(system: str = sys.platform, cpuinfo: Path = CPUINFO) -> frozenset[str] | None:
    """Return the features of every processor of this machine, by Linux's names; None if they are unknown."""
    if system != "linux":
        return None
    try:
        return features_of(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def features_of(cpuinfo: str) -> frozenset[str] | None:
    """Return the features common to all processors of a `/proc/cpuinfo`; None if it lists none."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    found = [frozenset(words.split()) for key, _, words in lines if key.strip() in ("flags", "Features")]
    return frozenset.intersection(*found) if found else None


def ways(matrix: Matrix, cell: Cell, host: str) -> tuple[Way, ...]:
    """Return the ways to check `cell` on a machine of target `host`, the strongest first."""
    found = _cpu_ways(matrix, cell, host) if cell.backend == "cpu" else _gpu_ways(matrix, cell, host)
    return tuple(sorted(found, key=lambda way: list(Method).index(way.how)))


def strongest_way(matrix: Matrix, cell: Cell, host: Host) -> Way:
    """Return the strongest way in which `host` can check `cell`."""
    for way in ways(matrix, cell, host.target):
        if not skip_reason(matrix, host, cell, way):
            return way
    return Way(how=Method.NOT)


def skip_reason(matrix: Matrix, host: Host, cell: Cell, way: Way) -> str:
    """Return what `host` lacks to check `cell` in this `way`; empty if nothing."""
    if way.device and cell.backend not in host.devices:
        return f"it needs {way.device}"
    if way.program in EMULATORS and way.program not in USED:
        return f"no session uses {way.program} yet"
    if way.program in EMULATORS and way.program not in host.emulators:
        return how_to_get(way.program)
    if way.flags and host.features is None:
        return "what this processor has is not known on this system"
    if missing := _missing(matrix, way.flags, host.features or frozenset()):
        return f"it needs {', '.join(missing)}, which this processor lacks"
    return ""


def _cpu_ways(matrix: Matrix, cell: Cell, host: str) -> Iterator[Way]:
    target = matrix.target(cell.target)
    level = matrix.level(cell.target, cell.level) if cell.level else matrix.levels_of(cell.target)[0]
    if host == cell.target:
        yield Way(how=Method.NATIVE, flags=level.flags)
    if host in matrix.backend(cell.backend).hosts(cell.target):
        yield Way(how=Method.COMPILED)
    emulator = target.emulated.get(host, "")
    if emulator == "wine":
        yield Way(how=Method.EMULATED, by="wine", flags=level.flags)
    elif emulator and level.qemu:
        named = f" -E LLAMAPACK_CPU={level.name}" if _is_second_best(matrix, cell.target, level) else ""
        yield Way(how=Method.EMULATED, by=f"{emulator} -cpu {level.qemu}{named}")


def _is_second_best(matrix: Matrix, target: str, level: Level) -> bool:
    """Return True if the processor that emulates `level` has more features, so that another level is chosen there."""
    return any(set(other.flags) > set(level.flags) for other in matrix.levels_of(target) if other.qemu == level.qemu)


def _gpu_ways(matrix: Matrix, cell: Cell, host: str) -> Iterator[Way]:
    backend = matrix.backend(cell.backend)
    if host == cell.target:
        yield Way(how=Method.NATIVE, device=backend.device)
    if host in backend.loaded.get(cell.target, ()):
        yield Way(how=Method.LOADED)
    if host in backend.hosts(cell.target):
        yield Way(how=Method.COMPILED)
    if program := backend.software.get(cell.target, {}).get(host):
        yield Way(how=Method.EMULATED, by=program)


def _missing(matrix: Matrix, flags: Sequence[str], features: frozenset[str]) -> tuple[str, ...]:
    return tuple(flag for flag in flags if not matrix.flags[flag] <= features)
