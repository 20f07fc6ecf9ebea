"""The ROCm plug-in where ROCm is and no GPU: it loads, finds no device, says why, and says what is missing.

Run as `nox -s test-rocm` does: in a root folder with ROCm's libraries, whose changes are gone with the process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llamapack_rocm
import pytest

SYSTEM = Path("/usr/lib/x86_64-linux-gnu")
OWN = re.compile(r"lib(amdhip64|rocblas|hipblas)\.so\.\d+")
DESCRIPTION = llamapack_rocm.describe()

Move = Callable[[str], Path]


def doctor(**variables: str) -> dict[str, Any]:
    """Ask llamapack for its verdict, in a process of its own."""
    environment = {**os.environ, "LLAMAPACK_PROBE": "always", "LLAMAPACK_PROBE_SECONDS": "120", **variables}
    words = [sys.executable, "-m", "llamapack", "doctor", "--json"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr  # degraded: a plug-in without a device
    report = json.loads(done.stdout)
    (backend,) = [each for each in report["backends"] if each["name"] == "rocm"]
    return dict(backend)


def opened(folder: Path) -> set[Path]:
    """Return the files that the names in `folder` stand for."""
    return {path.resolve() for path in folder.iterdir()}


@pytest.fixture
def moved() -> Iterator[Move]:
    """Take ROCm's libraries from where the system looks, and put them under another folder."""
    if "LLAMAPACK_TEST_ROOT" not in os.environ:
        pytest.skip("it moves the system's libraries, which may be done in a root folder only: nox -s test-rocm")
    taken = [path for path in SYSTEM.iterdir() if OWN.fullmatch(path.name)]
    assert len(taken) == 3
    files = {path: path.resolve() for path in taken}
    now: dict[Path, Path] = {}

    def move(folder: str) -> Path:
        place = Path(folder) / "lib"
        place.mkdir(parents=True)
        for path, file in files.items():
            now[path] = Path(shutil.move(file, place))
            path.unlink()
            (place / path.name).symlink_to(now[path].name)
        subprocess.run(["ldconfig"], check=True)
        return place

    yield move
    for path, moved_file in now.items():
        path.symlink_to(Path(shutil.move(moved_file, SYSTEM)).name)
    for folder in ("/opt/rocm", "/srv/rocm"):
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["ldconfig"], check=True)


def test_description_is_of_this_build() -> None:
    assert DESCRIPTION.library.name == "libggml-rocm.so"
    assert DESCRIPTION.toolkit == "6.4"
    assert {target.kind for target in DESCRIPTION.targets} == {"gfx"}


def test_it_loads_and_finds_no_device() -> None:
    found = doctor()
    assert (found["status"], found["fault"], found["devices"]) == ("no device", None, [])
    assert found["reason"] == "This machine has no AMD GPU."
    names = {Path(path).name.partition(".so")[0] for path in found["libraries"]}
    assert {"libamdhip64", "librocblas", "libhipblas", "libggml-rocm"} <= names


@pytest.mark.parametrize("folder", ["/opt/rocm", "/srv/rocm"])
def test_libraries_are_found_where_the_system_does_not_look(moved: Move, folder: str) -> None:
    place = moved(folder)
    found = doctor(HIP_PATH=folder)
    assert (found["status"], found["reason"]) == ("no device", "This machine has no AMD GPU.")
    assert opened(place) <= {Path(path) for path in found["libraries"]}


def test_amds_python_package_comes_first(moved: Move, tmp_path: Path) -> None:
    place = moved("/srv/rocm")
    Path("/opt/rocm/lib").mkdir(parents=True)
    paths = [str(path) for path in place.iterdir() if "rocblas" not in path.name]
    (tmp_path / "rocm_sdk.py").write_text(f"def find_libraries(*names):\n    return {paths!r}\n", encoding="utf-8")
    found = doctor(PYTHONPATH=f"{os.environ['PYTHONPATH']}:{tmp_path}")
    assert (found["status"], found["reason"]) == ("no device", "This machine has no AMD GPU.")
    assert opened(place) <= {Path(path) for path in found["libraries"]}


def test_missing_libraries_are_named_with_where_they_were_looked_for(moved: Move) -> None:
    moved("/srv/rocm")
    other = Path("/opt/rocm/lib/libamdhip64.so.7")
    other.parent.mkdir(parents=True)
    other.touch()
    found = doctor()
    assert (found["status"], found["fault"]) == ("broken", "missing library")
    assert found["reason"] == (
        f"llamapack-rocm {DESCRIPTION.version} is not used: libamdhip64.so.6, librocblas.so.4, libhipblas.so.2 are not "
        "found (rocm_sdk is not installed; /opt/rocm has libamdhip64.so.7; HIP_PATH is not set; nor does the system "
        "know them)"
    )
    assert found["remedy"] == (
        "Install AMD's ROCm 6, 6.4 or newer, into /opt/rocm or as the package rocm_sdk, or set HIP_PATH to its folder."
    )
