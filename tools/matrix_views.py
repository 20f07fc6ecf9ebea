"""What is derived from the matrix for Nox and for workflows."""

from __future__ import annotations

import json
from typing import TypeAlias

from tools.matrix import Matrix

Row: TypeAlias = dict[str, str]

UNIT_TARGETS = ("windows-x86_64", "macos-arm64")


def workflow_rows(matrix: Matrix) -> dict[str, list[Row]]:
    """Return the rows of each job of the workflow that has some, by the job's name."""
    return {"unit": unit_rows(matrix), "check": check_rows(matrix)}


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


def check_rows(matrix: Matrix) -> list[Row]:
    """Return one row per build that CI runs, with the Nox session that runs it."""
    return [
        {
            "id": row.build,
            "session": row.session,
            "runner": matrix.target(matrix.cell(row.build).target).runner,
            "python": matrix.tools_pythons[-1],
        }
        for row in matrix.verified
    ]
