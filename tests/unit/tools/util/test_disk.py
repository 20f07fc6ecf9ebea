"""Long work is refused where the disk has no room for it."""

from __future__ import annotations

import shutil
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
