"""The file with what was typed; only its owner may read it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from llamapack._util.user_folders import state_folder

NAME = "chat_history"
_LARGEST = 1 << 20
_KEPT = 1 << 19


def history_file(given: Path | None = None) -> Path | None:
    """Return the file, made with mode 0600 if it is new; None if there is no place for it.

    It is cut to its newest half when it has become large. `given` is a place that the user chose.
    """
    folder = state_folder()
    path = given or (folder / NAME if folder else None)
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and not path.is_file():  # a pipe would wait for a reader, and /dev/null is for everyone
            return None
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        path.chmod(0o600)
        _shorten(path)
    except OSError:  # a home that cannot be written to is no reason not to chat
        return None
    return path


def _shorten(path: Path) -> None:
    if path.stat().st_size <= _LARGEST:
        return
    data = path.read_bytes()[-_KEPT:]
    begin = data.find(b"\n\n# ")  # where prompt_toolkit begins an entry
    with suppress(OSError), path.open("r+b") as file:
        file.write(data[max(0, begin) :])
        file.truncate()
