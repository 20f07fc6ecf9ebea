"""Refuse long work before it begins if the disk has no room for it; and a place in memory for many small files."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tools.errors import ToolError

MIB = 1024 * 1024


def require_space(folder: Path, mib: int, *, purpose: str) -> None:
    """Raise ToolError unless the file system of `folder`, which need not exist yet, has `mib` MiB free."""
    free = shutil.disk_usage(_existing(folder)).free // MIB
    if free < mib:
        raise ToolError(
            f"{folder} has {free} MiB free, and {purpose} needs about {mib} MiB.",
            fix="Free some space there, or put the checkout (builds) or LLAMAPACK_CACHE_DIR (downloads) elsewhere.",
        )


def memory_folder(mib: int, folder: Path = Path("/dev/shm")) -> Path | None:  # noqa: S108  # no file, but the place
    """Return the folder whose files Linux keeps in memory, if it has `mib` MiB free and programs may be run there."""
    if not sys.platform.startswith("linux") or not os.access(folder, os.W_OK | os.X_OK):
        return None
    has = os.statvfs(folder)
    fits = has.f_bavail * has.f_frsize >= mib * MIB
    return folder if fits and not has.f_flag & os.ST_NOEXEC else None


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
