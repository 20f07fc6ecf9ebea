"""Runtime libraries of other wheels are found: beside the plug-in, among other packages, or by NVIDIA's finder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends import runtime_libraries
from llamapack.backends.runtime_libraries import find_runtime

NAME = "../../nvidia/cu13/lib/libcudart.so.13"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a plug-in's library, where modules are looked for in places of the test only."""
    folder = tmp_path / "site-packages" / "llamapack_cuda" / "lib"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path / "site-packages")])
    monkeypatch.setattr(runtime_libraries, "_ask_nvidia", lambda file: None)
    return folder


def put(packages: Path) -> Path:
    place = packages / "nvidia" / "cu13" / "lib" / "libcudart.so.13"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")
    return place


def test_the_place_beside_it_comes_first(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = put(folder.parents[1])
    put(tmp_path / "dist-packages")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "dist-packages")])
    assert find_runtime(folder, NAME).samefile(own)


def test_another_folder_of_packages_is_looked_into(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = put(tmp_path / "usr" / "dist-packages")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "usr" / "dist-packages")])
    assert find_runtime(folder, NAME) == other


def test_the_current_folder_is_no_place_for_libraries(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", ["", str(tmp_path / "here")])
    assert find_runtime(folder, NAME) == folder / NAME


def test_nvidias_finder_comes_last(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(file: str) -> Path:
        asked.append(file)
        return tmp_path / file

    monkeypatch.setattr(runtime_libraries, "_ask_nvidia", ask)
    assert find_runtime(folder, NAME) == tmp_path / "libcudart.so.13"
    assert find_runtime(folder, "libown.so") == folder / "libown.so"
    assert asked == ["libcudart.so.13"]


@pytest.mark.parametrize(
    ("file", "asked", "answer", "status", "fits"),
    [
        ("libcudart.so.13", "cudart", "libcudart.so.13", 0, True),
        ("libcublasLt.so.13", "cublasLt", "libcublasLt.so.13.4.1", 0, True),
        ("cudart64_13.dll", "cudart", "cudart64_13.dll", 0, True),
        ("libcudart.so.13", "cudart", "libcudart.so.12", 0, False),
        ("libcudart.so.13", "cudart", "libcudart.so.13", 1, False),
        ("libcudart.so.13", "cudart", None, 0, False),
    ],
)
def test_what_nvidias_finder_says_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, asked: str, answer: str | None, status: int, fits: bool
) -> None:
    monkeypatch.delenv("LLAMAPACK_PROBE_PYTHON", raising=False)
    found = tmp_path / (answer or "nothing")
    if answer:
        found.write_bytes(b"")
    words: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        words.extend(command)
        return subprocess.CompletedProcess(command, status, stdout=f"{found}\n", stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    runtime_libraries._ask_nvidia.cache_clear()
    assert runtime_libraries._ask_nvidia(file) == (found if fits else None)
    runtime_libraries._ask_nvidia.cache_clear()
    assert words[-1] == asked


def test_libraries_of_others_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    runtime_libraries._ask_nvidia.cache_clear()
    assert runtime_libraries._ask_nvidia("libamdhip64.so.6") is None
