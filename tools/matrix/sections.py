"""Read and check `matrix.toml`, one function for each section."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from tools.errors import ToolError
from tools.matrix.matrix import (
    EMULATORS,
    Backend,
    Cell,
    GpuArch,
    Level,
    Matrix,
    Target,
    Toolchain,
    Verified,
)
from tools.matrix.session_names import session_names
from tools.paths import ROOT
from tools.util.toml_table import Table, read_toml

MATRIX = ROOT / "matrix.toml"

KINDS = ("real", "ptx", "gfx")
"""Of GPU architectures, as backend.json has them."""
_NAME = re.compile(r"[a-z0-9_.]+")
_TARGET = re.compile(r"(linux|windows|macos)-[a-z0-9_]+")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")
_RUNNERS = {"linux": "ubuntu", "windows": "windows", "macos": "macos"}


@cache
def load_matrix() -> Matrix:
    """Return this checkout's matrix, read once."""
    return read_matrix(MATRIX)


def read_matrix(path: Path) -> Matrix:
    """Read and check a `matrix.toml`; a ToolError names the bad key and the valid values."""
    top = read_toml(path)
    top.only("verified", "tried", "targets", "backends", "levels", "flags", "gpu", "toolchains", "python")
    flags = read_flags(top.table("flags"))
    levels = read_levels(top.table("levels"), flags)
    targets = read_targets(top.table("targets"), levels)
    backends = read_backends(top.table("backends"), targets)
    wheel_pythons, tools_pythons = read_pythons(top.table("python"))
    sessions = session_names()
    return Matrix(
        targets=targets,
        backends=backends,
        levels=levels,
        flags=flags,
        gpu=read_gpu(top.table("gpu"), backends),
        toolchains=read_toolchains(top.table("toolchains")),
        verified=read_verified(top, "verified", _build_ids(backends), sessions),
        tried=read_verified(top, "tried", _build_ids(backends), sessions),
        wheel_pythons=wheel_pythons,
        tools_pythons=tools_pythons,
    )


def read_flags(table: Table) -> dict[str, frozenset[str]]:
    """Read what each of ggml's flags asks of the processor."""
    return {flag: frozenset(table.texts(flag)) for flag in table.data}


def read_levels(table: Table, flags: Collection[str]) -> dict[str, tuple[Level, ...]]:
    """Read the groups of CPU levels."""
    return {group: _group(table, group, flags) for group in table.data}


def read_targets(table: Table, levels: Collection[str]) -> dict[str, Target]:
    """Read the targets; each names a group of levels and other targets as hosts."""
    return {name: _target(table.table(name), name, levels, table.data) for name in table.data}


def read_backends(table: Table, targets: Collection[str]) -> dict[str, Backend]:
    """Read the backends; there is always one called cpu."""
    table.table("cpu")
    return {name: _backend(table.table(name), name, targets) for name in table.data}


def read_gpu(table: Table, backends: Collection[str]) -> dict[str, tuple[GpuArch, ...]]:
    """Read the GPU architectures of the backends that compile for them ahead of time."""
    return {
        table.known("", name, "backend", backends): tuple(_gpu_arch(row) for row in table.tables(name))
        for name in table.data
    }


def read_toolchains(table: Table) -> dict[str, Toolchain]:
    """Read the versions; wheel tags need those of glibc and macos."""
    for name in ("glibc", "macos"):
        table.table(name)
    return {name: _toolchain(table.table(name), name) for name in table.data}


def read_verified(top: Table, key: str, builds: Collection[str], sessions: Collection[str]) -> tuple[Verified, ...]:
    """Read which builds CI runs: those under `verified`, and those under `tried`, which may fail."""
    rows = [row.only("build", "session") for row in top.tables(key)]
    return tuple(
        Verified(build=row.choice("build", "build", builds), session=row.choice("session", "session", sessions))
        for row in rows
    )


def read_pythons(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the Python versions of the wheels, and those of the developers' tools."""
    table.only("wheels", "tools")
    for key in ("wheels", "tools"):
        for version in table.texts(key):
            _matching(_VERSION, version, f"{table.file}: {table.path}.{key}", "digits and dots, as in 3.13")
    return table.texts("wheels"), table.texts("tools")


def _group(table: Table, group: str, flags: Collection[str]) -> tuple[Level, ...]:
    levels = tuple(_level(row, flags) for row in table.tables(group))
    names = [level.name for level in levels]
    for name in names:
        if names.count(name) > 1:
            raise ToolError(f"{table.file}: {table.path}.{group} has {name!r} twice.", fix="Remove one of them.")
    return levels


def _level(row: Table, flags: Collection[str]) -> Level:
    row.only("name", "flags", "qemu")
    name = row.matching("name", _NAME.fullmatch, "small letters, digits, dots and underscores")
    return Level(name=name, flags=row.choices("flags", "flag", flags), qemu=row.text_or("qemu"))


def _target(table: Table, name: str, levels: Collection[str], targets: Collection[str]) -> Target:
    table.only("levels", "zig", "wheel", "runner", "emulated")
    _matching(_TARGET, name, f"{table.file}: a name in targets", "linux-, windows- or macos- and a processor")
    system, _, processor = name.partition("-")
    runner = _RUNNERS[system]
    return Target(
        name=name,
        levels=table.choice("levels", "level group", levels),
        zig=table.choice("zig", "zig target", (_zig_target(system, processor),)),
        wheel=table.choice("wheel", "platform tag", (_platform_tag(system, processor),)),
        runner=table.matching(
            "runner",
            re.compile(rf"{runner}-[a-z0-9.-]+").fullmatch,
            f"the name of a machine of the workflows that begins with {runner}-",
        ),
        emulated=_by_host(table.table("emulated"), targets, EMULATORS),
    )


def _platform_tag(system: str, processor: str) -> str:
    """Return the platform tag that wheels for a target have, with the names of its floors."""
    if system == "windows":
        return {"x86_64": "win_amd64"}.get(processor, f"win_{processor}")
    return f"manylinux_{{glibc}}_{processor}" if system == "linux" else f"macosx_{{macos}}_{processor}"


def _zig_target(system: str, processor: str) -> str:
    """Return what zig calls a target, with the names of its floors."""
    family = "aarch64" if processor == "arm64" else processor
    return {
        "linux": f"{family}-linux-gnu.{{glibc}}",
        "windows": f"{family}-windows-gnu",
        "macos": f"{family}-macos.{{macos}}",
    }[system]


def _backend(table: Table, name: str, targets: Collection[str]) -> Backend:
    table.only("wheel", "targets", "device", "compiled", "loaded", "software", "audited")
    _matching(_NAME, name, f"{table.file}: a name in backends", "small letters, digits, dots and underscores")
    here = table.choices("targets", "target", targets)
    return Backend(
        name=name,
        wheel=table.text("wheel"),
        targets=here,
        device="" if name == "cpu" else table.text("device"),
        compiled=_hosts(table.table_or_empty("compiled"), here, targets),
        loaded=_hosts(table.table_or_empty("loaded"), here, targets),
        software=_software(table.table_or_empty("software"), here, targets),
        audited=_audited(table.table_or_empty("audited"), here, targets),
    )


def _hosts(table: Table, targets: Collection[str], hosts: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Read lists of hosts by target."""
    table.only(*targets)
    return {target: table.choices(target, "target", hosts) for target in table.data}


def _audited(table: Table, targets: Collection[str], hosts: Collection[str]) -> dict[str, str]:
    """Read one host by target."""
    table.only(*targets)
    return {target: table.choice(target, "target", hosts) for target in table.data}


def _software(table: Table, targets: Collection[str], hosts: Collection[str]) -> dict[str, dict[str, str]]:
    """Read the programs that act as a device, by target and host."""
    table.only(*targets)
    return {target: _by_host(table.table(target), hosts, ()) for target in table.data}


def _by_host(table: Table, hosts: Collection[str], programs: Collection[str]) -> dict[str, str]:
    table.only(*hosts)
    if not programs:
        return {host: table.text(host) for host in table.data}
    return {host: table.choice(host, "emulator", programs) for host in table.data}


def _gpu_arch(row: Table) -> GpuArch:
    row.only("arch", "kind", "reason")
    return GpuArch(arch=row.text("arch"), kind=row.choice("kind", "kind", KINDS), reason=row.text("reason"))


def _toolchain(table: Table, name: str) -> Toolchain:
    table.only("version", "use", "reason")
    return Toolchain(
        name=name,
        version=table.matching("version", _VERSION.fullmatch, "digits and dots, as in 13.0"),
        use=table.choice("use", "use", ("exact", "floor")),
        reason=table.text("reason"),
    )


def _matching(pattern: re.Pattern[str], value: str, where: str, rule: str) -> str:
    if not pattern.fullmatch(value):
        raise ToolError(f"{where} cannot be {value!r}.", fix=f"It must be {rule}.")
    return value


def _build_ids(backends: Mapping[str, Backend]) -> tuple[str, ...]:
    return tuple(
        Cell(backend=backend.name, target=target).id for backend in backends.values() for target in backend.targets
    )
