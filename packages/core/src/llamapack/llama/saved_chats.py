"""Files of chats: a zip archive with the messages as JSON and, if wanted, the state of the KV cache.

The state only saves time: it is keyed by tokens, so that one that does not fit is not used.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llamapack._util.atomic_files import write_atomically
from llamapack.errors import InputError
from llamapack.llama.plans.messages import Message

_FORMAT = 1
_MESSAGES = "chat.json"
_STATE = "state.bin"


def write_chat(path: Path, messages: Sequence[Message], state: bytes | None) -> None:
    """Write a chat; raises InputError if the file cannot be written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps({"format": _FORMAT, "messages": list(messages)}, ensure_ascii=False, indent=1)
        archive.writestr(_MESSAGES, text)
        if state is not None:
            archive.writestr(_STATE, state)
    write_atomically(path, buffer.getvalue())


def read_chat(path: Path) -> tuple[list[Message], bytes | None]:
    """Read a chat: its messages, and its state if it has one; raises InputError for a file that is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            found: Any = json.loads(archive.read(_MESSAGES))
            state = archive.read(_STATE) if _STATE in archive.namelist() else None
    except OSError as error:
        raise InputError(f"{path} cannot be read.", why=error.strerror or str(error), fix="Check the path.") from error
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{path} is no saved chat, or it is damaged.", why=str(error)) from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT or not isinstance(found.get("messages"), list):
        raise InputError(f"{path} was not written by this version of llamapack.", fix="Install a newer one.")
    return found["messages"], state
