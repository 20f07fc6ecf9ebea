"""An environment is made once, filled once, and mended when it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.util import venv
from tools.util.venv import Environment, ensure_environment


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was run: `make`, or the requirement file that pip was given."""
    ran: list[str] = []

    def run(words: list[object], **_: object) -> None:
        if "--clear" in words:
            environment = Environment(folder=Path(str(words[-1])))
            environment.programs.mkdir(parents=True, exist_ok=True)
            environment.python.touch()
            ran.append("make")
        else:
            assert "--require-hashes" in words
            ran.append(Path(str(words[-1])).name)

    monkeypatch.setattr(venv, "run_live", run)
    monkeypatch.setattr(venv, "REQUIREMENTS", tmp_path)
    for name in ("build", "zig"):
        (tmp_path / f"{name}.txt").write_text(f"{name}==1\n")
    return ran


def test_second_call_runs_nothing(steps: list[str], tmp_path: Path, said: list[str]) -> None:
    ensure_environment(["build"], folder=tmp_path / "env")
    assert steps == ["make", "build.txt"]
    said.clear()
    ensure_environment(["build"], folder=tmp_path / "env")
    assert steps == ["make", "build.txt"]
    assert said == []


def test_only_new_and_changed_requirements_are_installed(steps: list[str], tmp_path: Path) -> None:
    ensure_environment(["build"], folder=tmp_path / "env")
    ensure_environment(["build", "zig"], folder=tmp_path / "env")
    assert steps == ["make", "build.txt", "zig.txt"]
    (tmp_path / "build.txt").write_text("build==2\n")
    ensure_environment(["build", "zig"], folder=tmp_path / "env")
    assert steps == ["make", "build.txt", "zig.txt", "build.txt"]


def test_environment_without_its_interpreter_is_made_anew(steps: list[str], tmp_path: Path) -> None:
    environment = ensure_environment(["build"], folder=tmp_path / "env")
    environment.python.unlink()
    ensure_environment(["build"], folder=tmp_path / "env")
    assert steps == ["make", "build.txt", "make", "build.txt"]


def test_half_made_environment_is_made_anew(steps: list[str], tmp_path: Path) -> None:
    environment = Environment(folder=tmp_path / "env")
    environment.programs.mkdir(parents=True)
    environment.python.touch()
    ensure_environment(["build"], folder=tmp_path / "env")
    assert steps == ["make", "build.txt"]


def test_failed_install_is_tried_again(steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ToolError("no network")

    install = venv.install
    monkeypatch.setattr(venv, "install", refuse)
    with pytest.raises(ToolError, match=r"^no network$"):
        ensure_environment(["build"], folder=tmp_path / "env")
    monkeypatch.setattr(venv, "install", install)
    ensure_environment(["build"], folder=tmp_path / "env")
    assert steps == ["make", "build.txt"]


def test_wheels_are_installed_once_each(steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(venv, "install_wheel", lambda _, wheel: installed.append(wheel.name))
    wheels = [tmp_path / "one-1-any.whl", tmp_path / "two-1-any.whl"]
    for wheel in wheels:
        wheel.write_text(wheel.name)
    ensure_environment(folder=tmp_path / "env", wheels=wheels)
    wheels[1].write_text("changed")
    ensure_environment(folder=tmp_path / "env", wheels=wheels)
    assert installed == ["one-1-any.whl", "two-1-any.whl", "two-1-any.whl"]
