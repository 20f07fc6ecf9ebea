"""What Nox and the workflow take from the matrix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.made_matrix import made_matrix
from tools.errors import ToolError
from tools.matrix import load_matrix
from tools.matrix.ci_rows import build_identifiers, build_rows, cibuildwheel_archs, workflow_output, workflow_rows
from tools.platforms.host import Method
from tools.verification.matrix_page import page, results_table
from tools.verification.results import Result


def test_ids_of_builds_and_checks(tmp_path: Path) -> None:
    matrix = made_matrix(tmp_path)
    assert [cell.id for cell in matrix.builds if cell.backend == "vulkan"] == [
        "vulkan-linux-x86_64",
        "vulkan-windows-x86_64",
    ]
    assert [cell.id for cell in matrix.builds][:4] == [
        "cpu-linux-x86_64",
        "cpu-windows-x86_64",
        "cpu-macos-arm64",
        "vulkan-linux-x86_64",
    ]
    assert [cell.id for cell in matrix.checks if cell.target == "macos-arm64"] == ["cpu-macos-arm64-apple_m1"]
    assert len(matrix.checks) == 3 + 3 + 1


def test_unknown_backend_or_target_is_refused(tmp_path: Path) -> None:
    matrix = made_matrix(tmp_path)
    with pytest.raises(ToolError, match="'opencl' is no backend"):
        matrix.backend("opencl")
    with pytest.raises(ToolError, match="'plan9-x86_64' is no target"):
        matrix.target("plan9-x86_64")


def test_rows_are_pythons_on_linux_the_newest_elsewhere_what_is_verified_and_audited(
    tmp_path: Path,
) -> None:
    def unit(target: str, python: str, runner: str) -> dict[str, str]:
        return {"id": f"{target}-{python}", "python": python, "runner": runner}

    debian = {"runner": "ubuntu-24.04", "container": "debian:12", "python": ""}
    windows = {"runner": "windows-2025", "container": "", "python": "3.13"}
    assert workflow_rows(made_matrix(tmp_path)) == {
        "unit": [
            unit("linux-x86_64", "3.11", "ubuntu-24.04"),
            unit("linux-x86_64", "3.13", "ubuntu-24.04"),
            unit("windows-x86_64", "3.13", "windows-2025"),
            unit("macos-arm64", "3.13", "macos-15"),
        ],
        "check": [
            {"id": "cpu-linux-x86_64", "session": "test-cpu", **debian},
        ],
        "tried": [
            {"id": "vulkan-windows-x86_64", "session": "test-vulkan", **windows},
        ],
        "wheel": [
            {"id": "cuda-linux-x86_64", **debian},
            {"id": "cuda-windows-x86_64", **debian},
        ],
    }


def test_what_starts_a_container_itself_runs_in_none() -> None:
    rows = {row["session"]: row for row in build_rows(load_matrix(), load_matrix().tried) if "linux" in row["id"]}
    assert rows["cibuildwheel"] | {"id": ""} == {
        "id": "",
        "session": "cibuildwheel",
        "runner": "ubuntu-24.04",
        "container": "",
        "python": load_matrix().tools_pythons[-1],
    }
    assert rows["test-cuda"]["container"] == "debian:12"


def test_rows_are_one_line_for_the_file_of_outputs() -> None:
    line = workflow_output(load_matrix())
    assert line.startswith("rows={")
    assert line.count("\n") == 1
    assert line.endswith("}\n")
    assert json.loads(line.removeprefix("rows=")) == workflow_rows(load_matrix())


def rows_of(text: str, section: str) -> list[list[str]]:
    body = text.split(f"## {section}\n")[1].split("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


RESULTS = {
    "cpu-linux-x86_64": [Result(how=Method.COMPILED, by="", date="2026-11-23", commit="abc")],
    "cpu-linux-x86_64-x64": [
        Result(how=Method.NATIVE, by="", date="2026-11-22", commit="abc"),
        Result(how=Method.EMULATED, by="qemu-x86_64 -cpu Conroe", date="2026-11-21", commit="def"),
    ],
    "cpu-linux-x86_64-zen4": [Result(how=Method.COMPILED, by="", date="2026-11-22", commit="abc")],
}


def test_the_page_calls_verified_only_what_is_recorded(tmp_path: Path) -> None:
    text = page(made_matrix(tmp_path), RESULTS)
    assert {row[0]: row[5] for row in rows_of(text, "Builds")}["`cpu-linux-x86_64`"] == (
        "compiled and audited, 2026-11-23, `abc`; 3 levels: 1 run, 2 compiled and audited only"
    )
    assert {row[0]: row[5] for row in rows_of(text, "CPU levels")} == {
        "`cpu-linux-x86_64-x64`": "native, 2026-11-22, `abc`; emulated (`qemu-x86_64 -cpu Conroe`), 2026-11-21, `def`",
        "`cpu-linux-x86_64-haswell`": "compiled and audited, 2026-11-23, `abc`",
        "`cpu-linux-x86_64-zen4`": "compiled and audited, 2026-11-22, `abc`",
        "`cpu-windows-x86_64-x64`": "not verified",
        "`cpu-windows-x86_64-haswell`": "not verified",
        "`cpu-windows-x86_64-zen4`": "not verified",
        "`cpu-macos-arm64-apple_m1`": "not verified",
    }


def test_the_page_says_how_a_build_can_be_proven(tmp_path: Path) -> None:
    rows = {row[0]: row[1:] for row in rows_of(page(made_matrix(tmp_path), {}), "Builds")}
    assert rows["`vulkan-linux-x86_64`"] == [
        "linux-x86_64 with a GPU", "linux-x86_64, `lavapipe`", "", "linux-x86_64", "not verified",
    ]  # fmt: skip
    assert rows["`cpu-windows-x86_64`"] == [
        "windows-x86_64", "linux-x86_64, `wine`", "", "linux-x86_64; windows-x86_64", "not verified",
    ]  # fmt: skip


def test_the_table_of_proofs_says_of_each_build_how_far_it_came(tmp_path: Path) -> None:
    known = {
        **RESULTS,
        "vulkan-linux-x86_64": [Result(how=Method.EMULATED, by="lavapipe", date="2026-11-22", commit="abc")],
        "cuda-linux-x86_64": [Result(how=Method.LOADED, by="", date="2026-11-22", commit="abc", of="90")],
    }
    known["cpu-windows-x86_64-x64"] = [Result(how=Method.EMULATED, by="wine", date="2026-11-22", commit="abc")]
    known["cpu-macos-arm64"] = [Result(how=Method.COMPILED, by="", date="2026-11-22", commit="abc", of="apple_m1")]
    known["cpu-linux-x86_64"] = [Result(how=Method.COMPILED, by="", date="2026-11-22", commit="abc", of="x64, zen4")]
    levels = "1 run, 1 compiled and audited only, 1 not verified"
    windows = "1 run in an emulator only, 2 not verified"
    assert rows_of(f"## Proven\n{results_table(made_matrix(tmp_path), known)}", "Proven") == [
        ["`llamapack`", "linux-x86_64", "x64, zen4", "yes", "yes", levels],
        ["`llamapack`", "windows-x86_64", "3 CPU levels", "levels that were proven", "yes", windows],
        ["`llamapack`", "macos-arm64", "apple_m1", "yes", "no", "1 compiled and audited only"],
        ["`llamapack-vulkan`", "linux-x86_64", "", "yes", "yes", "with `lavapipe`"],
        ["`llamapack-vulkan`", "windows-x86_64", "", "no", "no", "no"],
        ["`llamapack-cuda`", "linux-x86_64", "90", "yes", "yes", "no"],
        ["`llamapack-cuda`", "windows-x86_64", "", "no", "no", "no"],
    ]


def test_the_page_has_every_cell_and_every_line_of_a_table_the_same_width() -> None:
    matrix = load_matrix()
    text = page(matrix, RESULTS)
    assert [row[0].strip("`") for row in rows_of(text, "Builds")] == [cell.id for cell in matrix.builds]
    assert [row[0].strip("`") for row in rows_of(text, "CPU levels")] == [cell.id for cell in matrix.checks]
    for section in text.split("\n## ")[1:]:
        assert len({line.count("|") for line in section.splitlines() if line.startswith("|")}) == 1


def test_cibuildwheel_builds_the_core_for_every_target_by_its_names(tmp_path: Path) -> None:
    matrix = made_matrix(tmp_path)
    assert {system: cibuildwheel_archs(matrix, system) for system in ("linux", "windows", "macos")} == {
        "linux": ["x86_64"],
        "windows": ["AMD64"],
        "macos": ["arm64"],
    }
    assert [build_identifiers(matrix, system) for system in ("linux", "windows", "macos")] == [
        ["cp313-manylinux_x86_64"],
        ["cp313-win_amd64"],
        ["cp313-macosx_arm64"],
    ]
