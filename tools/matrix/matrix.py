"""The build matrix: what `matrix.toml` says, as data.

Ids are spelled alike everywhere: `cpu-linux-x86_64` is a build, `cpu-linux-x86_64-haswell` a check of one CPU level.
"""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.errors import ToolError
from tools.matrix.sections import (
    Backend,
    GpuArch,
    Level,
    Target,
    Toolchain,
    Verified,
    read_backends,
    read_flags,
    read_gpu,
    read_levels,
    read_pythons,
    read_targets,
    read_toolchains,
    read_verified,
)
from tools.paths import ROOT
from tools.util.toml_table import read_toml, valid

MATRIX = ROOT / "matrix.toml"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One thing to build (no level) or to check (a CPU level of a build)."""

    backend: str
    target: str
    level: str = ""

    @property
    def id(self) -> str:
        """The name of this cell everywhere: `backend-os-arch[-level]`."""
        return "-".join(part for part in (self.backend, self.target, self.level) if part)

    @property
    def build(self) -> Cell:
        """The build that this cell is, or is a check of."""
        return Cell(backend=self.backend, target=self.target)


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """All of `matrix.toml`, checked."""

    targets: Mapping[str, Target]
    backends: Mapping[str, Backend]
    levels: Mapping[str, tuple[Level, ...]]
    flags: Mapping[str, frozenset[str]]
    gpu: Mapping[str, tuple[GpuArch, ...]]
    toolchains: Mapping[str, Toolchain]
    verified: tuple[Verified, ...]
    tried: tuple[Verified, ...]
    wheel_pythons: tuple[str, ...]
    tools_pythons: tuple[str, ...]

    @cached_property
    def builds(self) -> tuple[Cell, ...]:
        """Every backend on every target that has it."""
        return tuple(
            Cell(backend=backend.name, target=target)
            for backend in self.backends.values()
            for target in backend.targets
        )

    @cached_property
    def checks(self) -> tuple[Cell, ...]:
        """Every CPU level of every target."""
        return tuple(
            Cell(backend="cpu", target=target, level=level.name)
            for target in self.backends["cpu"].targets
            for level in self.levels_of(target)
        )

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The builds, then the checks."""
        return self.builds + self.checks

    def levels_of(self, target: str) -> tuple[Level, ...]:
        """Return the CPU levels of `target`, the plainest first."""
        return self.levels[self.target(target).levels]

    def level(self, target: str, name: str) -> Level:
        """Return the CPU level `name` of `target`; refuse an unknown one with the list."""
        found = {level.name: level for level in self.levels_of(target)}
        if name not in found:
            raise ToolError(f"{target} has no CPU level {name!r}.", fix=valid("levels", found))
        return found[name]

    def target(self, name: str) -> Target:
        """Return the target `name`; refuse an unknown one with the list."""
        if name not in self.targets:
            raise ToolError(f"{name!r} is no target.", fix=valid("targets", self.targets))
        return self.targets[name]

    def backend(self, name: str) -> Backend:
        """Return the backend `name`; refuse an unknown one with the list."""
        if name not in self.backends:
            raise ToolError(f"{name!r} is no backend.", fix=valid("backends", self.backends))
        return self.backends[name]

    def cell(self, id_: str) -> Cell:
        """Return the cell called `id_`; refuse an unknown one with the part that is wrong and the valid ones."""
        for cell in self.cells:
            if cell.id == id_:
                return cell
        name, _, rest = id_.partition("-")
        backend = self.backend(name)
        target = "-".join(rest.split("-")[:2])
        self.target(target)
        if target not in backend.targets:
            raise ToolError(f"{name} does not exist on {target}.", fix=valid("targets", backend.targets))
        if name != "cpu":
            raise ToolError(f"{id_!r} is no cell: only cpu has levels.", fix=f"Say {name}-{target}.")
        self.level(target, rest.removeprefix(f"{target}-"))
        raise AssertionError(id_)

    def wheel_tag(self, target: str) -> str:
        """Return the platform tag of the wheels for `target`."""
        return self._with_floors(self.target(target).wheel).replace(".", "_")

    def zig_target(self, target: str) -> str:
        """Return what zig calls `target`, with the floor of its C library or system."""
        return self._with_floors(self.target(target).zig)

    def gpu_archs(self, backend: str) -> tuple[GpuArch, ...]:
        """Return the GPU architectures that `backend` is compiled for; none where it compiles at run time."""
        return self.gpu.get(self.backend(backend).name, ())

    def _with_floors(self, template: str) -> str:
        for name in ("glibc", "macos"):
            template = template.replace(f"{{{name}}}", self.toolchains[name].version)
        return template


def load_matrix(path: Path = MATRIX) -> Matrix:
    """Read and check `matrix.toml`; a ToolError names the bad key and the valid values."""
    top = read_toml(path)
    top.only("verified", "tried", "targets", "backends", "levels", "flags", "gpu", "toolchains", "python")
    flags = read_flags(top.table("flags"))
    levels = read_levels(top.table("levels"), flags)
    targets = read_targets(top.table("targets"), levels)
    backends = read_backends(top.table("backends"), targets)
    wheel_pythons, tools_pythons = read_pythons(top.table("python"))
    return Matrix(
        targets=targets,
        backends=backends,
        levels=levels,
        flags=flags,
        gpu=read_gpu(top.table("gpu"), backends),
        toolchains=read_toolchains(top.table("toolchains")),
        verified=read_verified(top, "verified", _build_ids(backends)),
        tried=read_verified(top, "tried", _build_ids(backends)),
        wheel_pythons=wheel_pythons,
        tools_pythons=tools_pythons,
    )


def host_target(platform_name: str | None = None, machine: str | None = None) -> str:
    """Return the target of the Python that runs this: `linux-x86_64`, `macos-arm64`, …

    Python's own platform counts, not the kernel's: an x86-64 Python on Windows for Arm loads x86-64 libraries.
    """
    name = (platform_name or sysconfig.get_platform()).lower()
    os, _, arch = name.partition("-")
    if os.startswith("macosx"):
        os, arch = "macos", machine or platform.machine()
    system = {"linux": "linux", "win": "windows", "macos": "macos"}.get(os)
    spelling = {"aarch64": "arm64", "amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64"}.get(arch)
    if system is None or spelling is None:
        raise ToolError(
            f"This Python is for {name}, which llamapack is not built for.",
            fix="Use a 64-bit Python on Linux, Windows or macOS, x86-64 or Arm.",
        )
    return f"{system}-{'aarch64' if (system, spelling) == ('linux', 'arm64') else spelling}"


def _build_ids(backends: Mapping[str, Backend]) -> tuple[str, ...]:
    return tuple(f"{backend.name}-{target}" for backend in backends.values() for target in backend.targets)


__all__ = [
    "MATRIX",
    "Backend",
    "Cell",
    "GpuArch",
    "Level",
    "Matrix",
    "Target",
    "Toolchain",
    "Verified",
    "host_target",
    "load_matrix",
]
