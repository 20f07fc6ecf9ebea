"""Join the device code that nvcc made of a source with the host's part that clang made of it.

A kernel that one side has and the other has not, or whose parameters are not as large on both sides, is an error. So is
a variable that the host copies to, and that is missing or of another size in the device code. Every architecture must
have all of them. Variables that the host does not know, such as texts for printing, may differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.compilers.cuda_windows.host_part import HostPart, joined, read_host_part
from tools.compilers.cuda_windows.names import UnmatchedError, demangled, on_windows, partners, require_all_used
from tools.compilers.cuda_windows.ptx import DeviceCode
from tools.errors import ToolError

NEVER_CALLED = re.compile(r"void cub::\w+::detail::EmptyKernel<void>\(\)")
"""Kernels that the host never starts. By this one, nvcc's part asks for the version of the PTX, in a function
that nobody calls, and that clang therefore leaves out."""


def join(host: str, devices: Mapping[str, DeviceCode], code: Path) -> str:
    """Return clang's IR `host` with the device code in the file `code`, which has `devices`, by architecture."""
    part = read_host_part(host)
    require_same_kernels(devices)
    device = next(iter(devices.values()))
    kernels = partners(part.kernels, device.kernels, "kernels")
    started = [name for name in device.kernels if not NEVER_CALLED.fullmatch(on_windows(name))]
    require_all_used(kernels, started, "kernels")
    variables = partners(part.variables, device.variables, "variables")
    if wrong := [*_other_parameters(part, device, kernels), *_other_variables(part, devices, variables)]:
        raise ToolError(
            f"Host and device do not agree: {'; '.join(wrong)}.",
            fix="Types with `long`, wchar_t, bit fields or another layout on Windows cannot be passed to kernels.",
        )
    return joined(part, {**kernels, **variables}, code)


def require_same_kernels(devices: Mapping[str, DeviceCode]) -> None:
    """Raise UnmatchedError if two architectures differ in their kernels, or in what these take."""
    first, *others = devices
    for other in others:
        if different := sorted(set(devices[first].kernels.items()) ^ set(devices[other].kernels.items())):
            named = "; ".join(sorted({demangled(name) for name, _ in different}))
            raise UnmatchedError(f"The kernels of {first} and {other} differ: {named}.")


def _other_parameters(part: HostPart, device: DeviceCode, kernels: Mapping[str, str]) -> Iterator[str]:
    for name, other in kernels.items():
        ours, theirs = part.kernels[name], device.kernels[other]
        if len(ours) != len(theirs) or any(a is not None and a != b for a, b in zip(ours, theirs, strict=True)):
            shown = ", ".join("an address" if size is None else str(size) for size in ours)
            yield f"{demangled(name)}: parameters of {shown} bytes on the host, {theirs} on the device"


def _other_variables(part: HostPart, devices: Mapping[str, DeviceCode], variables: Mapping[str, str]) -> Iterator[str]:
    for name, other in variables.items():
        for arch, device in devices.items():
            size = device.variables.get(other)
            if size != part.variables[name]:
                theirs = "none" if size is None else str(size)
                yield f"{demangled(name)}: {part.variables[name]} bytes on the host, {theirs} in {arch}"
