"""Which device runs which compiled code: NVIDIA's compute capabilities and AMD's gfx names.

Rules: https://docs.nvidia.com/cuda/cuda-c-programming-guide/#compute-capabilities (machine code runs on the same major
version from its minor one on, code with `a` only on that very one, with `f` within its family; PTX is compiled by the
driver for anything newer) and https://llvm.org/docs/AMDGPUUsage.html#processors (AMD's machine code runs on the very
same processor, `generic` code on the ones it lists).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llamapack.backends.contract import Target

_CAPABILITY = re.compile(r"(?:sm_|compute_)?(\d+?)\.?(\d)([af]?)")
_GFX = re.compile(r"gfx(\d+)([0-9a-f])([0-9a-f])")
_OVERRIDE = re.compile(r"(\d{1,2})\.(\d{1,3})\.(\d{1,3})")

_GENERIC: Mapping[str, frozenset[str]] = {
    "gfx9-generic": frozenset({"gfx900", "gfx902", "gfx904", "gfx906", "gfx909", "gfx90c"}),
    "gfx9-4-generic": frozenset({"gfx940", "gfx941", "gfx942", "gfx950"}),
    "gfx10-1-generic": frozenset({"gfx1010", "gfx1011", "gfx1012", "gfx1013"}),
    "gfx10-3-generic": frozenset({f"gfx103{step}" for step in range(7)}),
    "gfx11-generic": frozenset({f"gfx11{minor}{step}" for minor in "05" for step in range(4)}),
    "gfx12-generic": frozenset({"gfx1200", "gfx1201"}),
}


@dataclass(frozen=True, kw_only=True)
class Capability:
    """An NVIDIA compute capability; `suffix` is `a` or `f` for code that is bound to an architecture or a family."""

    major: int
    minor: int
    suffix: str = ""


def parse_capability(text: str) -> Capability | None:
    """Read `9.0`, `90`, `90a`, `sm_120f`; None for anything else."""
    found = _CAPABILITY.fullmatch(text)
    return Capability(major=int(found[1]), minor=int(found[2]), suffix=found[3]) if found else None


def parse_gfx(text: str) -> tuple[int, int, int] | None:
    """Read `gfx1100`, `gfx90a` or `gfx90a:sramecc+:xnack-` as major, minor and stepping; None for anything else."""
    found = _GFX.fullmatch(text.partition(":")[0])
    return (int(found[1]), int(found[2], 16), int(found[3], 16)) if found else None


def spell_gfx(version: tuple[int, int, int]) -> str:
    """Write major, minor and stepping as AMD does: (9, 0, 10) is gfx90a."""
    return f"gfx{version[0]}{version[1]:x}{version[2]:x}"


def parse_override(text: str) -> str | None:
    """Read HSA_OVERRIDE_GFX_VERSION, such as `10.3.0`, as a gfx name; None if ROCm would refuse it."""
    found = _OVERRIDE.fullmatch(text.strip())
    if not found or int(found[1]) > 63 or int(found[2]) > 15 or int(found[3]) > 15:
        return None
    return spell_gfx((int(found[1]), int(found[2]), int(found[3])))


def runs(capability: str | None, targets: Sequence[Target]) -> bool:
    """Return whether a device of `capability` runs code for one of `targets`; True if that is not known."""
    if not targets or capability is None:
        return True
    if parse_gfx(capability) is None and parse_capability(capability) is None:
        return True
    return any(_runs_one(capability, target) for target in targets)


def describe_targets(targets: Sequence[Target]) -> str:
    """Return the targets in words, such as `8.0, 9.0 and newer than 12.0 (PTX)`."""
    words = []
    for target in targets:
        capability = parse_capability(target.name) if target.kind != "gfx" else None
        name = f"{capability.major}.{capability.minor}{capability.suffix}" if capability else target.name
        words.append(f"{name} and newer (PTX)" if target.kind == "ptx" else name)
    return ", ".join(words)


def nearest_override(gfx: str, targets: Sequence[Target]) -> str | None:
    """Return the HSA_OVERRIDE_GFX_VERSION under which people run such a device: the first target of its generation.

    AMD supports none of this. None if no target has the same major version.
    """
    device = parse_gfx(gfx)
    known = [version for target in targets if target.kind == "gfx" and (version := parse_gfx(target.name))]
    same = [version for version in known if device and version[0] == device[0]]
    if not device or not same:
        return None
    major, minor, stepping = min(same, key=lambda version: (abs(version[1] - device[1]), version[2]))
    return f"{major}.{minor}.{stepping}"


def _runs_one(capability: str, target: Target) -> bool:
    if target.kind == "gfx":
        return _runs_gfx(capability, target.name)
    device, code = parse_capability(capability), parse_capability(target.name)
    if device is None or code is None:
        return False
    have, need = (device.major, device.minor), (code.major, code.minor)
    if code.suffix == "a":
        return have == need
    if target.kind == "ptx" and not code.suffix:
        return have >= need
    return device.major == code.major and device.minor >= code.minor


def _runs_gfx(capability: str, target: str) -> bool:
    device = parse_gfx(capability)
    if device is None:
        return False
    if target in _GENERIC:
        return spell_gfx(device) in _GENERIC[target]
    return device == parse_gfx(target)
