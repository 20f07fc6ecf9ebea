"""Refuse long work before it begins if the disk has no room for it."""

from __future__ import annotations

import shutil
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


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
