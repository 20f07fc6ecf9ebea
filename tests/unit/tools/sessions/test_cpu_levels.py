"""A level is proven in every way that the machine has, and looked into only where nothing runs it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, cast

import nox
import pytest

from tests.support.made_matrix import made_matrix
from tools.audit.arm import Arm
from tools.building import wheels
from tools.errors import ToolError
from tools.platforms import apt
from tools.platforms.emulators import USED
from tools.platforms.host import Host, Method, Way
from tools.sessions import common, cpu_levels
from tools.verification import demo_model, results


class SkippedError(Exception):
    pass


class Today(date):
    """The day of these tests."""

    @classmethod
    def today(cls) -> Today:
        return cls(2026, 11, 22)


class Session:
    def __init__(self, *posargs: str) -> None:
        self.posargs, self.said = list(posargs), list[str]()

    def log(self, message: str) -> None:
        self.said.append(message)

    def skip(self, message: str) -> None:
        raise SkippedError(message)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What was proven and recorded, on a machine with AVX2 and qemu."""
    told: list[Any] = []

    def wheel_for(backend: str, target: str) -> Path:
        told.append(f"{backend} wheel for {target}")
        return tmp_path / "a.whl"

    matrix = made_matrix(tmp_path)
    host = Host(target="linux-x86_64", features=frozenset(["avx2"]), emulators=frozenset(["qemu-x86_64", "wine"]))
    monkeypatch.setattr(cpu_levels, "load_matrix", lambda: matrix)
    monkeypatch.setattr(cpu_levels, "this_host", lambda: host)
    monkeypatch.setattr(common, "load_matrix", lambda: matrix)
    monkeypatch.setattr(common, "this_host", lambda: host)
    monkeypatch.setattr(cpu_levels, "ensure_emulator", lambda name: None)
    monkeypatch.setattr(wheels, "wheel_for", wheel_for)
    monkeypatch.setattr(demo_model, "demo_model", lambda: tmp_path / "a.gguf")
    monkeypatch.setattr(
        cpu_levels, "_check_in_one_way", lambda _, cell, way, artifacts, words: told.append((way.how, words))
    )
    monkeypatch.setattr(results, "_clean_commit", lambda: "abc")
    monkeypatch.setattr(results, "date", Today)
    monkeypatch.setattr(results, "record", lambda cell, result: told.append((cell, str(result))))
    return told


def prove(tmp_path: Path, cell: str, *words: str) -> Session:
    session: Any = Session(*words)
    cpu_levels.check_level(session, made_matrix(tmp_path).cell(cell))
    found: Session = session
    return found


def test_a_level_of_this_processor_is_run_and_emulated(done: list[Any], tmp_path: Path) -> None:
    prove(tmp_path, "cpu-linux-x86_64-haswell", "-x")
    assert done == ["cpu wheel for linux-x86_64", (Method.NATIVE, ["-x"]), (Method.EMULATED, ["-x"])]


def test_a_level_that_nothing_runs_is_looked_into_and_the_log_says_why(done: list[Any], tmp_path: Path) -> None:
    session = prove(tmp_path, "cpu-linux-x86_64-zen4")
    assert done == ["cpu wheel for linux-x86_64", (Method.COMPILED, [])]
    assert session.said == ["cpu-linux-x86_64-zen4 is not native here: it needs AVX512, which this processor lacks"]


def test_a_level_of_another_target_is_proven_on_the_wheel_for_it(done: list[Any], tmp_path: Path) -> None:
    prove(tmp_path, "cpu-windows-x86_64-haswell")
    assert done == ["cpu wheel for windows-x86_64", (Method.EMULATED, [])]


def test_a_cell_that_is_not_compiled_here_is_skipped_with_the_reason(done: list[Any], tmp_path: Path) -> None:
    with pytest.raises(
        SkippedError,
        match="cpu-macos-arm64-apple_m1: it is for macos-arm64, and this machine is linux-x86_64, which it is not",
    ):
        prove(tmp_path, "cpu-macos-arm64-apple_m1")
    assert done == []


def test_every_emulator_that_counts_has_a_session() -> None:
    assert set(cpu_levels.EMULATE) == USED


def test_results_are_recorded_when_asked_for(done: list[Any], tmp_path: Path) -> None:
    cell = "cpu-linux-x86_64-haswell"
    prove(tmp_path, cell, "--record")
    assert done == [
        "cpu wheel for linux-x86_64",
        (Method.NATIVE, []),
        (cell, "native, 2026-11-22, `abc`"),
        (Method.EMULATED, []),
        (cell, "emulated (`qemu-x86_64 -cpu Haswell`), 2026-11-22, `abc`"),
    ]


@pytest.mark.parametrize("recorded", [False, True])
def test_a_recorded_level_is_looked_into_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(cpu_levels, "audit", lambda session, wheel, *words: told.append(words))
    artifacts = cpu_levels.Artifacts(wheel=tmp_path / "a.whl", model=tmp_path / "a.gguf", recorded=recorded)
    cell, session = made_matrix(tmp_path).cell("cpu-linux-x86_64-zen4"), cast("nox.Session", Session())
    cpu_levels._check_in_one_way(session, cell, Way(how=Method.COMPILED), artifacts, [])
    assert told == [("libggml-cpu-zen4.so", *(["--whole"] if recorded else []))]


def test_nothing_is_recorded_of_a_part(done: list[Any], tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="--record does not go together with -k command_line"):
        prove(tmp_path, "cpu-linux-x86_64-haswell", "--record", "-k", "command_line")
    assert done == []


@pytest.mark.parametrize(
    ("wheel", "unavailable", "asked"),
    [("a-linux_aarch64.whl", "it", True), ("a-linux_x86_64.whl", "it", False), ("cpu-macos-arm64", "", False)],
)
def test_what_decodes_arm_is_wished_for_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, wheel: str, unavailable: str, asked: bool
) -> None:
    wishes: list[tuple[str, ...]] = []
    monkeypatch.setattr(Arm, "unavailable", lambda self: unavailable)
    monkeypatch.setattr(apt, "try_to_install", lambda packages, **options: wishes.append(packages))
    common.try_to_install_disassembler(wheel)
    assert wishes == [("llvm-19",)] * asked
