"""The contents of a wheel, and the spelling of its platform in its name."""

from __future__ import annotations

from pathlib import Path

MIB = 1024 * 1024
PLATFORMS = {
    "linux": r"linux_{machine}|manylinux_2_\d+_{machine}",
    "macos": r"macosx_\d+_\d+_{machine}",
    "windows": r"win_{machine}",
}
MACHINES = {"windows": {"x86_64": "amd64"}, "linux": {}, "macos": {}}


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def info_folder(contents: Path) -> Path:
    (folder,) = contents.glob("*.dist-info")
    return folder
