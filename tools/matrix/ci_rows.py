"""What is derived from the matrix for Nox and for workflows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TypeAlias

from tools.matrix.matrix import Cell, Matrix, Verified

Row: TypeAlias = dict[str, str]

UNIT_TARGETS = ("windows-x86_64", "macos-arm64")
CONTAINER = "debian:12"
"""What builds run in on Linux: the tools install Debian's packages, which takes root, and some of later releases."""
NEEDS_THE_RUNNER = frozenset({"cibuildwheel"})
"""Sessions that start a container themselves."""


def workflow_rows(matrix: Matrix) -> dict[str, list[Row]]:
    """Return the rows of each job of the workflow that has some, by the job's name."""
    return {
        "unit": unit_rows(matrix),
        "check": build_rows(matrix, matrix.verified),
        "tried": build_rows(matrix, matrix.tried),
        "wheel": wheel_rows(matrix),
    }


def workflow_output(matrix: Matrix) -> str:
    """Return the line `rows=JSON` that a workflow job appends to the file of its outputs."""
    return f"rows={json.dumps(workflow_rows(matrix), separators=(',', ':'))}\n"


def unit_rows(matrix: Matrix) -> list[Row]:
    """Return one row per Python of the tools on Linux, and one per other system with the newest."""
    newest = matrix.tools_pythons[-1]
    pairs = [("linux-x86_64", python) for python in matrix.tools_pythons]
    pairs += [(target, newest) for target in UNIT_TARGETS]
    return [
        {"id": f"{target}-{python}", "runner": matrix.target(target).runner, "python": python}
        for target, python in pairs
    ]


def build_rows(matrix: Matrix, builds: Sequence[Verified]) -> list[Row]:
    """Return one row per build, with the Nox session that runs it."""
    return [
        {
            "id": row.build,
            "session": row.session,
            **place(matrix, matrix.cell(row.build).target, contained=row.session not in NEEDS_THE_RUNNER),
        }
        for row in builds
    ]


def wheel_rows(matrix: Matrix) -> list[Row]:
    """Return one row per wheel that CI builds and inspects, because no machine there can run it."""
    return [
        {"id": Cell(backend=backend.name, target=target).id, **place(matrix, host)}
        for backend in matrix.backends.values()
        for target, host in backend.audited.items()
    ]


def place(matrix: Matrix, host: str, *, contained: bool = True) -> Row:
    """Return on which runner, in which container, and by which Python a row is run; in a container it is its own."""
    container = CONTAINER if contained and host.startswith("linux-") else ""
    python = "" if container else matrix.tools_pythons[-1]
    return {"runner": matrix.target(host).runner, "container": container, "python": python}


def cibuildwheel_archs(matrix: Matrix, system: str) -> list[str]:
    """Return what cibuildwheel calls the processors for which the core wheel is built on linux, windows or macos."""
    targets = [target for target in matrix.backend("cpu").targets if target.startswith(f"{system}-")]
    return [_arch(system, matrix.wheel_tag(target)) for target in targets]


def build_identifiers(matrix: Matrix, system: str) -> list[str]:
    """Return cibuildwheel's names of the core wheel's builds for linux, windows or macos: one Python builds for all."""
    targets = [target for target in matrix.backend("cpu").targets if target.startswith(f"{system}-")]
    return [build_identifier(matrix, target) for target in targets]


def build_identifier(matrix: Matrix, target: str) -> str:
    """Return cibuildwheel's name of the core wheel's build for `target`."""
    system = target.partition("-")[0]
    names = {"linux": "manylinux", "windows": "win", "macos": "macosx"}
    arch = _arch(system, matrix.wheel_tag(target)).lower()
    return f"cp{matrix.wheel_pythons[-1].replace('.', '')}-{names[system]}_{arch}"


def _arch(system: str, tag: str) -> str:
    """Return the processor at the end of a wheel's tag, as cibuildwheel spells it: x86_64, arm64, AMD64, ..."""
    arch = re.sub(r"(manylinux|macosx)_\d+_\d+_|win_", "", tag)
    return arch.upper() if system == "windows" else arch
