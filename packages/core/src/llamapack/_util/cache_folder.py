"""Where files are kept that can be made again, how they are written and removed there, and where programs remember."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

VARIABLE = "LLAMAPACK_CACHE_DIR"


def cache_folder(name: str) -> Path | None:
    """Return the folder `name` in LLAMAPACK_CACHE_DIR, or in the system's caches; None if there is no home."""
    if named := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(named)).absolute() / name  # noqa: PTH111  # Path's raises for ~nobody
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
    elif sys.platform == "darwin":
        base = home / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base.absolute() / "llamapack" / name


def state_folder() -> Path | None:
    """Return the folder for what programs remember of a user, such as what was typed; None if there is no home."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
    elif sys.platform == "darwin":
        base = home / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state")
    return base.absolute() / "llamapack"


def replace_file(path: Path, content: bytes) -> None:
    """Write a file elsewhere in its folder, and move it into place: others see all of it, or what was there before.

    Raises OSError, and leaves nothing behind then.
    """
    new = path.with_name(f".new-{os.getpid()}-{os.urandom(8).hex()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def prune(folder: Path, most: int) -> None:
    """Remove the oldest files if there are more than `most`."""
    files: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            files.append((path.stat().st_mtime, path))
    for _, path in sorted(files)[: max(0, len(files) - most)]:
        with contextlib.suppress(OSError):
            path.unlink()
