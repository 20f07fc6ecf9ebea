"""The rows of the release workflow's jobs: one for each wheel, on the runner that it is built on."""

from __future__ import annotations

import json
from collections.abc import Collection

from tools.matrix import Cell, Matrix
from tools.matrix.ci_rows import Row, place

TRIED_ON = ("linux-x86_64", "linux-aarch64", "windows-x86_64", "macos-arm64", "macos-x86_64")
"""The targets whose runners install the wheels from a clean index, and answer a prompt."""


def builds_of(matrix: Matrix, backends: Collection[str]) -> list[Cell]:
    """Return the builds of a release of `backends`, in the order of the matrix."""
    return [cell for cell in matrix.builds if cell.backend in backends]


def release_rows(matrix: Matrix, backends: Collection[str]) -> dict[str, list[Row]]:
    """Return the rows of the jobs `wheel` and `try`, by the job's name.

    Wheels are built on a runner of their own target, for Linux in the container that CI uses. They are tried on every
    target that the release has wheels for.
    """
    python = matrix.tools_pythons[-1]
    builds = builds_of(matrix, backends)
    wheels = [{"id": cell.id, **place(matrix, cell.target)} for cell in builds]
    targets = [target for target in TRIED_ON if target in {cell.target for cell in builds}]
    tried = [{"id": name, "runner": matrix.target(name).runner, "python": python} for name in targets]
    return {"wheel": wheels, "try": tried}


def release_output(matrix: Matrix, backends: Collection[str]) -> str:
    """Return the line `rows=JSON` that the job `plan` appends to the file of its outputs."""
    return f"rows={json.dumps(release_rows(matrix, backends), separators=(',', ':'))}\n"
