"""Write files atomically: completely, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from llamapack.errors import InputError


def replaceable(path: Path) -> Path:
    """Return the file that a new one will replace: `path` with symbolic links resolved.

    Raises InputError for folders and for anything else that is not a regular file, such as a device.
    """
    try:
        goal = Path(os.path.realpath(path))
        folder, special = goal.is_dir(), goal.exists() and not goal.is_file()
    except (OSError, ValueError) as error:
        raise InputError(f"The path {str(path)!r} cannot be used.", why=str(error), fix="Check the path.") from None
    if folder:
        raise InputError(f"{path} is a folder.", fix="Name a file in it.")
    if special:
        raise InputError(f"{path} is not a regular file, and would be destroyed.", fix="Name another file.")
    return goal


@contextmanager
def new_files(goals: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """Yield paths for the block to write to: the names of `goals`, in a temporary folder beside the first of them.

    At the end of the block, the files there replace `goals`. If it raises, they are deleted, and `goals` are unchanged.
    """
    # in the same folder, so that moving a file is only a rename
    with tempfile.TemporaryDirectory(prefix=".llamapack-", dir=goals[0].parent) as folder:
        written = tuple(Path(folder, goal.name) for goal in goals)
        yield written
        for path, goal in zip(written, goals, strict=True):
            path.replace(goal)


def write_atomically(path: Path, data: bytes | bytearray) -> None:
    """Write `data` to a new file, which then replaces `path`; raises InputError if that fails."""
    goal = replaceable(path)
    try:
        with new_files([goal]) as (temporary,), temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(
            f"{path} cannot be written.", why=error.strerror or str(error), fix="Check the folder and the disk."
        ) from error
