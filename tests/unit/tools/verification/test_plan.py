"""The plan says of each cell how this machine proves it, and what is missing for more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.made_matrix import TOML, made_matrix
from tools.platforms.host import Host, Method
from tools.verification import plan
from tools.verification.plan import Row, rows, text, why_not_built

HOST = Host(target="linux-x86_64", features=frozenset(["avx2"]), emulators=frozenset(["qemu-x86_64"]))
ANOTHER = "it is for {}, and this machine is linux-x86_64"


def test_every_cell_has_a_row_that_says_how_and_why_not_more(tmp_path: Path) -> None:
    found = {row.cell: row for row in rows(made_matrix(tmp_path), HOST)}
    assert found["cpu-linux-x86_64"] == Row(cell="cpu-linux-x86_64", how=Method.NATIVE, by="nox -s test", more="")
    assert found["cpu-linux-x86_64-haswell"] == Row(
        cell="cpu-linux-x86_64-haswell", how=Method.NATIVE, by='nox -s "test-cpu(cpu-linux-x86_64-haswell)"', more=""
    )
    assert found["cpu-linux-x86_64-zen4"] == Row(
        cell="cpu-linux-x86_64-zen4",
        how=Method.COMPILED,
        by="nox -s audit",
        more="native: it needs AVX512, which this processor lacks; emulated: no emulator has its instructions",
    )
    assert found["cpu-windows-x86_64-x64"] == Row(
        cell="cpu-windows-x86_64-x64",
        how=Method.COMPILED,
        by="nox -s audit -- cpu-windows-x86_64",
        more="emulated: wine is not on this machine: apt install wine64",
    )
    assert found["cpu-windows-x86_64"].by == "nox -s audit -- cpu-windows-x86_64"
    assert found["vulkan-windows-x86_64"] == Row(
        cell="vulkan-windows-x86_64", how=Method.EMULATED, by="lavapipe in wine", more=""
    )
    assert found["cpu-macos-arm64"].more == f"{ANOTHER.format('macos-arm64')}, which it is not compiled on"
    assert found["vulkan-linux-x86_64"] == Row(
        cell="vulkan-linux-x86_64", how=Method.EMULATED, by="lavapipe", more="native: it needs a GPU"
    )
    cuda = found["cuda-linux-x86_64"]
    assert (cuda.how, cuda.by, cuda.more) == (Method.LOADED, "nox -s test-cuda", "native: it needs an NVIDIA GPU")
    assert found["cuda-windows-x86_64"] == Row(
        cell="cuda-windows-x86_64", how=Method.LOADED, by="nox -s test-cuda -- --target windows-x86_64", more=""
    )
    assert {row.how for row in found.values() if "macos" in row.cell} == {Method.NOT}
    assert list(found) == [cell.id for cell in made_matrix(tmp_path).cells]


def test_what_no_program_runs_is_said_once(tmp_path: Path) -> None:
    cross = 'compiled = {{ windows-x86_64 = ["linux-x86_64"]{} }}\n\n[backends.vulkan]'
    matrix = made_matrix(tmp_path, TOML.replace(cross.format(""), cross.format(', macos-arm64 = ["linux-x86_64"]')))
    host = Host(target="linux-x86_64", features=frozenset(["avx2"]), emulators=frozenset(["wine"]))
    found = {row.cell: row.more for row in rows(matrix, host)}
    nothing = "emulated: nothing on linux-x86_64 runs programs for macos-arm64"
    assert found["cpu-macos-arm64"] == found["cpu-macos-arm64-apple_m1"] == nothing
    assert found["cpu-windows-x86_64-zen4"] == "emulated: it needs AVX512, which this processor lacks"


def test_a_missing_emulator_is_named_with_its_package(tmp_path: Path) -> None:
    host = Host(target="linux-x86_64", features=frozenset())
    (row,) = (row for row in rows(made_matrix(tmp_path), host) if row.cell == "cpu-linux-x86_64-haswell")
    assert (row.how, row.more) == (
        Method.COMPILED,
        "native: it needs AVX2, which this processor lacks; "
        "emulated: qemu-x86_64 is not on this machine: apt install qemu-user-static",
    )


def test_wheels_of_this_machines_target_are_built_and_those_that_the_matrix_compiles_here(
    tmp_path: Path,
) -> None:
    matrix = made_matrix(tmp_path)
    reasons = {cell.id: why_not_built(matrix, cell, HOST) for cell in matrix.builds}
    built = [id_ for id_, reason in reasons.items() if not reason]
    assert set(reasons) - set(built) == {"cpu-macos-arm64"}
    assert built[:2] == ["cpu-linux-x86_64", "cpu-windows-x86_64"]


def test_a_backend_that_nothing_builds_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "package_folder", lambda backend: tmp_path / backend)
    matrix = made_matrix(tmp_path)
    reason = why_not_built(matrix, matrix.cell("cuda-linux-x86_64"), HOST)
    assert reason == "the wheel for cuda is not built by this project yet"


def test_the_text_has_the_host_the_counts_and_the_variables(tmp_path: Path) -> None:
    said = text(made_matrix(tmp_path), HOST, "gcc 12", {"CC": "gcc-14", "LLAMAPACK_CPU_LEVELS": "haswell"}).splitlines()
    assert said[0] == "This machine is linux-x86_64; compiler: gcc 12; emulators: qemu-x86_64."
    counts = "3 native, 2 emulated, 2 compiled, audited and loaded, 5 compiled and audited, 2 not verified"
    assert f"14 cells: {counts}." in said
    assert any(line.startswith("CC, CXX ") and line.endswith("now CC=gcc-14") for line in said)
    assert any(
        line.startswith("LLAMAPACK_CPU_LEVELS ") and line.endswith("now LLAMAPACK_CPU_LEVELS=haswell") for line in said
    )
