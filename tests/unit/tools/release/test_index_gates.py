"""What an index has already keeps files from being uploaded, unless an upload of the same files only goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support.release.complete import write_release
from tools.errors import ToolError
from tools.matrix import load_matrix
from tools.release.distribution import Distribution
from tools.release.gates import index as index_gates
from tools.release.gates.files import read_files
from tools.release.index import serve_index

VERSION = "0.2.0"
BUILDS = tuple(load_matrix().cell(name) for name in ("cpu-linux-x86_64", "vulkan-linux-x86_64"))
CORE = f"llamapack-{VERSION}-py3-none-manylinux_2_28_x86_64.whl"
VULKAN = f"llamapack_vulkan-{VERSION}-py3-none-manylinux_2_28_x86_64.whl"
PROJECTS = ("llamapack", "llamapack-vulkan")


@pytest.fixture
def files(tmp_path: Path) -> list[Distribution]:
    write_release(tmp_path / "dist", VERSION, BUILDS)
    return read_files(tmp_path / "dist")[0]


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The folder of the index."""
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def url(there: Path) -> Iterator[str]:
    with serve_index(there) as address:
        yield f"{address}/simple/"


def put(files: list[Distribution], there: Path, *, days_ago: float = 0) -> None:
    for file in files:
        copy = Path(shutil.copy(file.path, there))
        moment = (datetime.now(timezone.utc) - timedelta(days=days_ago)).timestamp()
        os.utime(copy, (moment, moment))


def check(files: list[Distribution], url: str, quota: int = index_gates.QUOTA) -> list[tuple[str, str]]:
    listings = index_gates.read_listings(PROJECTS, url)
    return [(fault.gate, fault.file) for fault in index_gates.check_index(files, listings, quota=quota)]


def test_an_index_that_knows_nothing_takes_all(files: list[Distribution], url: str) -> None:
    assert index_gates.read_listings(PROJECTS, url) == dict.fromkeys(PROJECTS, ())
    assert check(files, url) == []


def test_an_upload_that_stopped_among_the_plugins_goes_on(files: list[Distribution], there: Path, url: str) -> None:
    put([file for file in files if file.path.name == VULKAN], there)
    assert check(files, url) == []


def test_a_core_without_its_plugins_is_found(files: list[Distribution], there: Path, url: str) -> None:
    put([file for file in files if file.path.name != VULKAN], there)
    assert check(files, url) == [("published", CORE)]
    put(files, there)
    assert check(files, url) == []


def test_other_bytes_under_the_same_name_are_found(files: list[Distribution], there: Path, url: str) -> None:
    put(files, there)
    with (there / VULKAN).open("ab") as file:
        file.write(b"later")
    assert check(files, url) == [("published", VULKAN)]


@pytest.mark.parametrize(("days", "faults"), [(13.9, []), (14.1, [("age", "llamapack")])])
def test_a_release_is_closed_after_two_weeks(
    files: list[Distribution], there: Path, url: str, days: float, faults: list[tuple[str, str]]
) -> None:
    put([file for file in files if not (file.is_wheel and file.project == "llamapack")], there, days_ago=days)
    assert check(files, url) == faults


def test_an_old_release_that_is_complete_is_no_fault(files: list[Distribution], there: Path, url: str) -> None:
    put(files, there, days_ago=300)
    assert check(files, url) == []


def test_another_release_is_not_closed_by_an_old_one(tmp_path: Path, there: Path, url: str) -> None:
    write_release(tmp_path / "old", "0.1.0", BUILDS)
    put(read_files(tmp_path / "old")[0], there, days_ago=300)
    write_release(tmp_path / "new", VERSION, BUILDS)
    assert check(read_files(tmp_path / "new")[0], url) == []


def test_room_for_three_more_releases_is_kept(files: list[Distribution], there: Path, url: str, tmp_path: Path) -> None:
    assert (index_gates.QUOTA, index_gates.SPARE_RELEASES) == (10_000_000_000, 3)
    size = sum(file.path.stat().st_size for file in files if file.project == "llamapack")
    other = sum(file.path.stat().st_size for file in files if file.project == "llamapack-vulkan")
    assert other < size
    assert check(files, url, quota=4 * size) == []
    assert check(files, url, quota=4 * size - 1) == [("quota", "llamapack")]
    write_release(tmp_path / "old", "0.1.0", BUILDS)
    old = read_files(tmp_path / "old")[0]
    put(old, there)
    used = sum(file.path.stat().st_size for file in old if file.project == "llamapack")
    assert check(files, url, quota=4 * size + used) == []
    assert check(files, url, quota=4 * size + used - 1) == [("quota", "llamapack")]
    put(files, there)  # what is there needs no room again
    assert check(files, url, quota=4 * size + used) == []
    listings = index_gates.read_listings(PROJECTS, url)
    lines = index_gates.forecast(files, listings, quota=used + 9 * size)
    assert lines[0].startswith("llamapack: ")
    assert lines[0].endswith("after it 8 more of this size fit")


def test_a_release_that_does_not_fit_is_said(files: list[Distribution]) -> None:
    fault = index_gates.check_index(files, {}, quota=1)[0]
    assert fault.what == "this release does not fit into its quota of 1e-09 GB, of which 0.00 GB are used"


def test_an_index_that_does_not_answer_is_said(there: Path) -> None:
    with serve_index(there) as address:
        pass
    with pytest.raises(ToolError, match=r"The index http://127\.0\.0\.1:\d+/simple/ does not answer"):
        index_gates.read_listings(PROJECTS, f"{address}/simple/")
