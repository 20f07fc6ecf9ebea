"""Long work is refused where the disk has no room for it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.errors import ToolError
from tools.util import disk


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A disk with 100 MiB; the folders that it was asked about."""
    asked: list[Path] = []

    def usage(folder: Path) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(free=100 * disk.MIB)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return asked


def test_enough_room_is_fine(free: list[Path], tmp_path: Path) -> None:
    disk.require_space(tmp_path, 100, purpose="the build")


def test_missing_room_is_refused_with_both_sizes_and_a_way_out(free: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ToolError) as refused:
        disk.require_space(tmp_path, 101, purpose="the build")
    assert refused.value.what == f"{tmp_path} has 100 MiB free, and the build needs about 101 MiB."
    assert "LLAMAPACK_CACHE_DIR" in refused.value.fix


def test_folder_to_be_made_is_measured_by_the_nearest_one_there_is(free: list[Path], tmp_path: Path) -> None:
    disk.require_space(tmp_path / "not" / "yet", 1, purpose="the build")
    assert free == [tmp_path]


class TestMemory:
    """A folder in memory is used where it is one, has room, and lets programs run."""

    @pytest.fixture(autouse=True)
    def system(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Linux system with 100 MiB there."""
        monkeypatch.setattr(sys, "platform", "linux")
        self.has(monkeypatch, flags=0)

    def has(self, monkeypatch: pytest.MonkeyPatch, flags: int) -> None:
        """Have the file system say these flags of itself."""
        said = SimpleNamespace(f_bavail=100, f_frsize=disk.MIB, f_flag=flags)
        monkeypatch.setattr(os, "statvfs", lambda _: said, raising=False)
        monkeypatch.setattr(os, "ST_NOEXEC", 8, raising=False)

    @pytest.mark.parametrize(("mib", "fits"), [(100, True), (101, False)])
    def test_it_must_have_room(self, tmp_path: Path, mib: int, fits: bool) -> None:
        assert disk.memory_folder(mib, tmp_path) == (tmp_path if fits else None)

    def test_programs_must_run_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has(monkeypatch, flags=8)
        assert disk.memory_folder(1, tmp_path) is None

    def test_it_must_be_there(self, tmp_path: Path) -> None:
        assert disk.memory_folder(1, tmp_path / "shm") is None

    def test_other_systems_have_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "darwin")
        assert disk.memory_folder(1, tmp_path) is None
