"""cibuildwheel is told to build the host's wheel, in a container where it needs one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.building import cibuildwheel
from tools.building.cibuildwheel import command, engine
from tools.errors import UnavailableError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_linux_takes_a_container_and_others_none(path: Path) -> None:
    assert engine("windows-x86_64", {}) == engine("macos-arm64", {}) == {}
    with pytest.raises(UnavailableError, match="neither Docker nor Podman works on this machine") as caught:
        engine("linux-x86_64", {})
    assert str(caught.value).endswith('zig: LLAMAPACK_COMPILER=zig nox -s "wheel(cpu-linux-x86_64)"')
    assert engine("linux-x86_64", {"CIBW_CONTAINER_ENGINE": "podman"}) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(
    ("statuses", "taken"),
    [({"podman": 0}, "podman"), ({"docker": 0, "podman": 0}, "docker"), ({"docker": 1, "podman": 0}, "podman")],
)
def test_the_first_program_for_containers_that_works_is_taken(path: Path, statuses: dict[str, int], taken: str) -> None:
    for name, status in statuses.items():
        (path / name).write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
        (path / name).chmod(0o755)
    assert engine("linux-x86_64", {}) == {"CIBW_CONTAINER_ENGINE": taken}


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_one_that_does_not_work_is_none(path: Path) -> None:
    (path / "docker").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (path / "docker").chmod(0o755)
    with pytest.raises(UnavailableError, match="neither Docker nor Podman works"):
        engine("linux-x86_64", {})


def test_one_wheel_is_built_into_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cibuildwheel, "OUTPUT", tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.whl").touch()
    words = ["-m", "cibuildwheel", "--only", "cp314-manylinux_x86_64", "--output-dir", str(tmp_path / "out")]
    assert command("linux-x86_64") == [*words, "."]
    assert not (tmp_path / "out").exists()
    assert command("windows-arm64")[3] == "cp314-win_arm64"
