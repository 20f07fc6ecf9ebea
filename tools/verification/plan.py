"""What this machine would build and check of the matrix, and why not more."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.matrix import Cell, Matrix
from tools.paths import package_folder
from tools.platforms.host import Host, Method, skip_reason, strongest_way, ways

VARIABLES = {
    "CC, CXX": "the compilers; without them the first on PATH that works, then zig from PyPI",
    "LLAMAPACK_COMPILER": "`zig`, for a wheel that older systems take, too; other targets are always built with it",
    "CFLAGS, CXXFLAGS, LDFLAGS, CMAKE_ARGS": "more options for all libraries alike",
    "LLAMAPACK_CPU_LEVELS": "CPU levels to build, with commas; `custom` for one of your own flags",
    "LLAMAPACK_CPU_FLAGS": "the compiler's flags of the level `custom`, such as -march=native, or none at all",
    "LLAMAPACK_CUDA_ARCHS": "GPUs to compile CUDA for, with commas: 90-real, 80-virtual; native for this machine's",
    "LLAMAPACK_ROCM_ARCHS": "GPUs to compile ROCm for, with commas, by AMD's names: gfx90a,gfx1100",
    "CMAKE_BUILD_PARALLEL_LEVEL": "compilers that run at once",
    "CMAKE_C_COMPILER_LAUNCHER, CMAKE_CXX_COMPILER_LAUNCHER": "the compiler cache; empty for none",
    "LLAMAPACK_CACHE_DIR": "where downloads are kept",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One cell: how this machine checks it, with which program, and what is missing for a stronger check."""

    cell: str
    how: Method
    by: str
    more: str


def why_not_built(matrix: Matrix, cell: Cell, host: Host) -> str:
    """Return why no session builds `cell` on `host`; empty if one does."""
    if not package_folder(cell.backend).is_dir():
        return f"the wheel for {cell.backend} is not built by this project yet"
    if host.target not in matrix.backend(cell.backend).hosts(cell.target):
        return f"it is for {cell.target}, and this machine is {host.target}, which it is not compiled on"
    return ""


def rows(matrix: Matrix, host: Host) -> tuple[Row, ...]:
    """Return a row for each cell of the matrix."""
    return tuple(_row(matrix, cell, host) for cell in matrix.cells)


def _row(matrix: Matrix, cell: Cell, host: Host) -> Row:
    if reason := why_not_built(matrix, cell, host):
        return Row(cell=cell.id, how=Method.NOT, by="", more=reason)
    way = strongest_way(matrix, cell, host)
    return Row(
        cell=cell.id, how=way.how, by=way.by or _session(cell, way.how, host), more="; ".join(_more(matrix, cell, host))
    )


def _session(cell: Cell, how: Method, host: Host) -> str:
    if how is Method.LOADED:
        return f"nox -s test-{cell.backend}{_target_option(cell, host)}"
    if how is Method.COMPILED:
        return "nox -s audit" if cell.target == host.target else f"nox -s audit -- {cell.build.id}"
    return f'nox -s "test-cpu({cell.id})"' if cell.level else "nox -s test"


def _target_option(cell: Cell, host: Host) -> str:
    """Return the option that makes a plug-in's session check the wheel for another target than this machine's."""
    return "" if cell.target == host.target else f" -- --target {cell.target}"


def _more(matrix: Matrix, cell: Cell, host: Host) -> Iterator[str]:
    """Yield what the host lacks for each way that is stronger than the one it can use."""
    taken = list(Method).index(strongest_way(matrix, cell, host).how)
    for way in ways(matrix, cell, host.target):
        if list(Method).index(way.how) < taken:
            yield f"{way.how}: {skip_reason(matrix, host, cell, way)}"
    if taken > list(Method).index(Method.EMULATED) and (reason := _not_emulated(matrix, cell, host)):
        yield f"{Method.EMULATED}: {reason}"


def _not_emulated(matrix: Matrix, cell: Cell, host: Host) -> str:
    """Return why a CPU cell is not emulated; empty if it is, or if that is not expected."""
    if cell.backend != "cpu":
        return ""
    emulator = matrix.target(cell.target).emulated.get(host.target, "")
    if not emulator:
        return "" if host.target == cell.target else f"nothing on {host.target} runs programs for {cell.target}"
    if cell.level and emulator.startswith("qemu") and not matrix.level(cell.target, cell.level).qemu:
        return "no emulator has its instructions"
    return ""


def text(matrix: Matrix, host: Host, toolchain: str, variables: Mapping[str, str] = os.environ) -> str:
    """Return the plan for people: the host, each cell, and the variables that change it."""
    found = rows(matrix, host)
    emulators = sorted(host.emulators)
    counts = ", ".join(f"{sum(row.how is how for row in found)} {how}" for how in Method)
    lines = [
        f"This machine is {host.target}; compiler: {toolchain}; emulators: {', '.join(emulators) or 'none'}.",
        "",
        *_table([("cell", "how", "with", "what is missing for more"), *(_words(row) for row in found)]),
        "",
        f"{len(found)} cells: {counts}.",
        "",
        "Variables that change what is built:",
        *_table([(name, use, _values(name, variables)) for name, use in VARIABLES.items()]),
    ]
    return "\n".join(lines)


def _words(row: Row) -> tuple[str, ...]:
    return (row.cell, str(row.how), row.by, row.more)


def _values(names: str, variables: Mapping[str, str]) -> str:
    values = [f"{name}={variables[name]}" for name in names.split(", ") if name in variables]
    return f"now {' '.join(values)}" if values else ""


def _table(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
