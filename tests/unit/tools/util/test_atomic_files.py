"""A file is written as a whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.platforms.host import Method
from tools.util import stamps
from tools.util.atomic_files import write_text
from tools.verification import results
from tools.verification.results import Result


def recorded(path: Path) -> None:
    results.record("cpu-linux-x86_64", Result(how=Method.NATIVE, by="", date="2026-11-22", commit="abc"), path)


def stamped(path: Path) -> None:
    stamps.write(path, {"compiler": "gcc"})


def written(path: Path) -> None:
    write_text(path, "new")


@pytest.mark.parametrize("write", [recorded, stamped, written])
def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    (path := tmp_path / "a.json").write_text("{}", encoding="utf-8")

    def fail(half: Path, target: Path) -> Path:
        assert half.read_bytes(), "it fails when all is written, but not yet in place"
        raise OSError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match=r"^stopped$"):
            write(path)
    assert path.read_text(encoding="utf-8") == "{}"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_the_same_bytes_on_every_system(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "é\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"\xc3\xa9\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such mode")
def test_a_script_can_be_run(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "#!/bin/sh\n", executable=True)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
