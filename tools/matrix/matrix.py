"""The build matrix: what `matrix.toml` says, as data.

Ids are spelled alike everywhere: `cpu-linux-x86_64` is a build, `cpu-linux-x86_64-haswell` a check of one CPU level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tools.errors import ToolError, valid

EMULATORS = ("qemu-x86_64", "qemu-aarch64", "wine")


@dataclass(frozen=True, kw_only=True)
class Level:
    """A CPU level by ggml's name, the flags that ggml builds it with, and the model with which qemu-user runs it."""

    name: str
    flags: tuple[str, ...]
    qemu: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """An operating system on a processor family."""

    name: str
    levels: str
    zig: str
    wheel: str
    runner: str
    emulated: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What computes: the CPU, or a GPU family with its own wheel."""

    name: str
    wheel: str
    targets: tuple[str, ...]
    device: str
    compiled: Mapping[str, tuple[str, ...]]
    """For a target, the other hosts that can compile the wheel."""
    loaded: Mapping[str, tuple[str, ...]]
    """For a target, the hosts on which a session loads the plug-in without the device."""
    software: Mapping[str, Mapping[str, str]]
    """For a target, the programs that take the place of the device, by host."""
    audited: Mapping[str, str]
    """For a target, the host on which CI builds and inspects the wheel, without the device."""

    def hosts(self, target: str) -> tuple[str, ...]:
        """Return the hosts that can compile the wheel for `target`, a machine of that target first."""
        return (target, *self.compiled.get(target, ()))


@dataclass(frozen=True, kw_only=True)
class GpuArch:
    """A GPU architecture to compile for: `real` or AMD's `gfx` machine code, or `ptx` for the driver to compile."""

    arch: str
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """A version that builds take exactly, or must not go below."""

    name: str
    version: str
    use: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A build that CI runs, and the Nox session that runs it."""

    build: str
    session: str


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
            raise ToolError(f"{id_!r} is no cell: only cpu has levels.", fix=f"Use {name}-{target}.")
        self.level(target, rest.removeprefix(f"{target}-"))
        raise AssertionError(id_)

    def wheel_tag(self, target: str) -> str:
        """Return the platform tag of the wheels for `target`."""
        return self._with_floors(self.target(target).wheel).replace(".", "_")

    def zig_target(self, target: str) -> str:
        """Return what zig calls `target`, with the floor of its C library or system."""
        return self._with_floors(self.target(target).zig)

    def gpu_archs(self, backend: str) -> tuple[GpuArch, ...]:
        """Return the GPU architectures that `backend` is compiled for; none if it compiles at run time."""
        return self.gpu.get(self.backend(backend).name, ())

    def _with_floors(self, template: str) -> str:
        for name in ("glibc", "macos"):
            template = template.replace(f"{{{name}}}", self.toolchains[name].version)
        return template
