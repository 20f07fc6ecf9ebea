"""Write files atomically: completely, or not at all."""

from __future__ import annotations

import os
import secrets
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


def write_atomically(path: Path, data: bytes | bytearray) -> None:
    """Write `data` to a temporary file beside `path`, and rename it; raises InputError if that fails."""
    goal = replaceable(path)
    temporary = goal.with_name(f".{goal.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(goal)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(
            f"{path} cannot be written.", why=error.strerror or str(error), fix="Check the folder and the disk."
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
