"""Locks, folders that are made whole or not at all, and errors of the disk that say what was being done."""

from __future__ import annotations

import errno
import logging
import shutil
import stat
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.errors import ToolError

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_THE_WAY = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_POLL_SECONDS = 0.1

log = logging.getLogger(f"llamapack.{__name__}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; wait for another process that holds it. A killed process holds nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if not try_lock(file.fileno()):
            log.warning("Waiting for another command, which holds %s", path)
            while not try_lock(file.fileno()):
                time.sleep(_POLL_SECONDS)
        yield


def try_lock(descriptor: int) -> bool:
    """Lock an open file unless another process holds it; closing the file unlocks it. Tell whether it is held now."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`, which becomes `target` at the end, or is removed after an error.

    `target` must not exist, or be empty. What a killed process left is removed first, so hold a lock around this.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep_staged(target)
    staged = target.parent / f".{target.name}.new-{uuid.uuid4().hex[:8]}"
    staged.mkdir()
    try:
        yield staged
        if target.is_dir():
            target.rmdir()
        staged.rename(target)
    finally:
        remove_tree(staged)


def sweep_staged(target: Path) -> None:
    """Remove what killed processes left of `staged_folder(target)`; for a caller that holds the lock."""
    for left in target.parent.glob(f".{target.name}.new-*"):
        remove_tree(left)


def remove_tree(folder: Path) -> None:
    """Remove `folder` with read-only files in it, as git's are; a missing one is no error."""
    if sys.version_info >= (3, 12):
        shutil.rmtree(folder, onexc=_make_writable_or_skip)
    else:
        shutil.rmtree(folder, onerror=_make_writable_or_skip)


def _make_writable_or_skip(again: Callable[..., Any], path: str, problem: Any) -> None:
    error = problem[1] if isinstance(problem, tuple) else problem
    if isinstance(error, FileNotFoundError):
        return
    if not isinstance(error, PermissionError):
        raise error
    Path(path).parent.chmod(stat.S_IRWXU)
    Path(path).chmod(stat.S_IRWXU)
    again(path)


@contextmanager
def reporting_os_errors(doing: str) -> Iterator[None]:
    """Turn a full disk, a refused permission or a file in the way into a ToolError that says what was being done."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise ToolError(
                f"The disk is full: {doing}.", why=str(error), fix="Free some space; then run it again."
            ) from error
        if error.errno in _NOT_ALLOWED:
            raise ToolError(f"Not allowed: {doing}.", why=str(error), fix="Check who owns that path.") from error
        if error.errno in _IN_THE_WAY:
            fix = "Move it away; then run it again."
            raise ToolError(f"Something is in the way: {doing}.", why=str(error), fix=fix) from error
        raise
