"""Write files in one step: a reader sees the old file or the new one, and never half of one."""

from __future__ import annotations

import os
import re
from pathlib import Path

_HALF = re.compile(r"\..+\.half-\d+")


def write_text(path: Path, text: str, *, executable: bool = False) -> None:
    """Write `text` to `path` as UTF-8, with a line feed at the end of each line on every system."""
    write_file(path, text.encode(), executable=executable)


def is_leftover(name: str) -> bool:
    """Return whether a file of this name is what a killed `write_file` left."""
    return bool(_HALF.fullmatch(name))


def sweep(folder: Path) -> None:
    """Remove what a killed `write_file` left in `folder`; for a caller that holds the lock."""
    for path in folder.glob(".*.half-*"):
        path.unlink(missing_ok=True)


def write_file(path: Path, data: bytes, *, executable: bool = False) -> None:
    """Write `path` in one step, making its folder: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half-{os.getpid()}")
    try:
        half.write_bytes(data)
        if executable:
            half.chmod(0o755)
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
