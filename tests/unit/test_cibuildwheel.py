"""cibuildwheel is told to build the host's wheel, in a container where it needs one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import cibuildwheel
from tools.cibuildwheel import command, engine
from tools.errors import LackingError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_linux_takes_a_container_and_others_none(path: Path) -> None:
    assert engine("windows-x86_64", {}) == engine("macos-arm64", {}) == {}
    with pytest.raises(LackingError, match="this machine has neither Docker nor Podman") as caught:
        engine("linux-x86_64", {})
    assert str(caught.value).endswith('nox -s "wheel(cpu-linux-x86_64)"')
    assert engine("linux-x86_64", {"CIBW_CONTAINER_ENGINE": "podman"}) == {}


@pytest.mark.parametrize("names", [("podman",), ("docker", "podman")])
def test_the_first_program_for_containers_is_taken(path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (path / name).chmod(0o755)
    assert engine("linux-x86_64", {}) == {"CIBW_CONTAINER_ENGINE": names[0]}


def test_one_wheel_is_built_into_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cibuildwheel, "OUTPUT", tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.whl").touch()
    words = ["-m", "cibuildwheel", "--only", "cp314-manylinux_x86_64", "--output-dir", str(tmp_path / "out")]
    assert command("linux-x86_64") == [*words, str(Path("packages", "core"))]
    assert not (tmp_path / "out").exists()
    assert command("windows-arm64")[3] == "cp314-win_arm64"
