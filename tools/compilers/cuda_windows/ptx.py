"""Read from nvcc's PTX which kernels and variables the device code of a source has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_KERNEL = re.compile(r"^(?:\.(?:visible|weak)\s+)?\.entry\s+([\w$]+)\s*(?:\(([^)]*)\))?", re.MULTILINE)
_VARIABLE = re.compile(
    r"^(?:\.(?:visible|weak|common|extern)\s+)?\.(?:const|global)\s+((?:\.attribute\([^)]*\)\s+)?(?:\.align\s+\d+\s+)?"
    r"(?:\.v[24]\s+)?)\.([a-z]+\d+)\s+([\w$]+)(?:\[(\d+)\])?",
    re.MULTILINE,
)
_PARAMETER = re.compile(
    r"\.param\s+(?:\.align\s+\d+\s+)?(?:\.v[24]\s+)?\.([a-z]+)(\d+)\s+(?:\.ptr[^,]*?)?[\w$]+(?:\[(\d+)\])?"
)


@dataclass(frozen=True, kw_only=True)
class DeviceCode:
    """What one PTX file has."""

    kernels: Mapping[str, tuple[int, ...]]
    """By name, the bytes of each parameter."""
    variables: Mapping[str, int]
    """By name, the bytes of each."""


def read_ptx(text: str) -> DeviceCode:
    """Return the kernels and variables in a PTX file."""
    return DeviceCode(
        kernels={name: _parameters(declared or "") for name, declared in _KERNEL.findall(text)},
        variables={
            name: _bytes(kind)
            * int(count or 1)
            * (int(vector[1]) if (vector := re.search(r"\.v([24])", before)) else 1)
            for before, kind, name, count in _VARIABLE.findall(text)
        },
    )


def _parameters(declared: str) -> tuple[int, ...]:
    return tuple(int(bits) // 8 * int(count or 1) for _, bits, count in _PARAMETER.findall(declared))


def _bytes(kind: str) -> int:
    return int(re.sub(r"\D", "", kind)) // 8
