"""Folders for a moment, below the cache: what a killed process left there is removed by the next one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.paths import cache_dir
from tools.util.files import remove_tree, try_lock


@contextmanager
def temporary_folder(purpose: str, place: Path | None = None) -> Iterator[Path]:
    """Give a new empty folder in `place`, or below the cache, whose name begins with `purpose`; remove it at the end.

    A lock file beside it is held meanwhile. One that nobody holds belongs to a killed process: its folder is removed.
    """
    place = place or cache_dir() / "scratch"
    place.mkdir(parents=True, exist_ok=True)
    sweep_scratch(place)
    folder = place / f"{purpose}-{uuid.uuid4().hex[:12]}"
    with _held(folder.with_suffix(".lock")):
        folder.mkdir()
        try:
            yield folder
        finally:
            remove_tree(folder)


def sweep_scratch(place: Path) -> None:
    """Remove the folders in `place` that no living process holds the lock of."""
    for lock in place.glob("*.lock"):
        with suppress(OSError), lock.open("r+b") as file:
            if not try_lock(file.fileno()):
                continue
            remove_tree(lock.with_suffix(""))
            lock.unlink(missing_ok=True)


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Hold a new lock file; another process may sweep it away between its creation and the locking."""
    try:
        while True:
            with lock.open("a+b") as file:
                if try_lock(file.fileno()) and lock.exists() and os.fstat(file.fileno()).st_ino == lock.stat().st_ino:
                    yield
                    return
    finally:
        with suppress(OSError):
            lock.unlink()
