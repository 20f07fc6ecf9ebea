"""The user's list: short names for other references, in a file that every program of the user sees."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from llamapack._util.atomic_files import write_atomically
from llamapack._util.user_folders import SETTINGS_VARIABLE, settings_folder
from llamapack.errors import InputError
from llamapack.hub.locks import locked
from llamapack.hub.references import AliasReference, PathReference, is_alias, parse


def aliases_file() -> Path:
    """Return the path of the list: `names.json` in LLAMAPACK_CONFIG_DIR, or in the system's folder for settings.

    Raises InputError if there is no home.
    """
    if (folder := settings_folder()) is None:
        raise InputError("There is no home folder for names.", fix=f"Set {SETTINGS_VARIABLE} to a folder.")
    return folder / "names.json"


def aliases() -> dict[str, str]:
    """Return the user's names, and what each stands for; raises InputError if the list is damaged."""
    if settings_folder() is None:
        return {}
    path = aliases_file()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"The list of names {path} cannot be read.", why=str(error), fix="Mend or delete it."
        ) from None
    if not isinstance(found, dict) or not all(isinstance(each, str) for pair in found.items() for each in pair):
        raise InputError(f"The list of names {path} must have names and references only.", fix="Mend or delete it.")
    return found


def set_alias(name: str, reference: str | os.PathLike[str]) -> None:
    """Make `name` stand for `reference`, in this program and in others; a path is kept as a whole one."""
    if not is_alias(name):
        raise InputError(
            f"{name!r} cannot be a name.",
            why="It may have letters, digits, dots, - and _, and one colon.",
            fix="Choose another.",
        )
    meant = parse(reference)
    if isinstance(meant, AliasReference):
        raise InputError(f"{reference!r} is a name itself, or nothing.", fix="Give what it stands for.")
    text = str(meant.path.absolute()) if isinstance(meant, PathReference) else os.fspath(reference)
    with locked(_lock()):
        _write(aliases() | {name: text})


def remove_alias(name: str) -> None:
    """Remove a name from the list; raises InputError if it is not there."""
    with locked(_lock()):
        found = aliases()
        if name not in found:
            raise InputError(f"There is no name {name!r}.", why=f"There are: {', '.join(sorted(found)) or 'none'}.")
        del found[name]
        _write(found)


def _lock() -> Path:
    return aliases_file().with_suffix(".lock")


def _write(names: Mapping[str, str]) -> None:
    text = json.dumps(dict(sorted(names.items())), indent=1, ensure_ascii=False) + "\n"
    write_atomically(aliases_file(), text.encode())
