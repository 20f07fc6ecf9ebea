"""The probe is run by a Python interpreter and never by a program that only embeds one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from llamapack.backends.interpreter import find_interpreter


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLAMAPACK_PROBE_PYTHON", raising=False)


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


def test_this_interpreter_is_used() -> None:
    assert find_interpreter().path == Path(sys.executable)


@pytest.mark.parametrize(
    "name", ["python", "python3", "python3.13t", "pypy3.11", "graalpy", "pythonw.exe", "python_d.exe"]
)
def test_interpreters_are_known_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "executable", str(make_program(tmp_path / name)))
    assert find_interpreter().path == tmp_path / name


@pytest.mark.parametrize("name", ["blender", "uwsgi", "pythonista-app", ""])
def test_a_program_that_embeds_python_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    program = str(make_program(tmp_path / name)) if name else ""
    monkeypatch.setattr(sys, "executable", program)
    monkeypatch.setattr(sys, "_base_executable", program, raising=False)
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path))
    found = find_interpreter()
    assert found.path is None
    assert found.reason == f"sys.executable is {program!r}, which is no Python interpreter that this user may run"


def test_the_interpreter_of_the_installation_is_found_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "executable", str(make_program(tmp_path / "blender")))
    monkeypatch.setattr(sys, "_base_executable", "", raising=False)
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path))
    python = make_program(tmp_path / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
    assert find_interpreter().path == python


def test_a_frozen_program_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert find_interpreter().path is None


def test_the_variable_names_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("LLAMAPACK_PROBE_PYTHON", str(make_program(tmp_path / "mine")))
    assert find_interpreter().path == tmp_path / "mine"
    monkeypatch.setenv("LLAMAPACK_PROBE_PYTHON", str(tmp_path / "absent"))
    found = find_interpreter()
    assert (found.path, found.reason) == (
        None,
        f"LLAMAPACK_PROBE_PYTHON is {str(tmp_path / 'absent')!r}, which is no program",
    )
