"""Files of chats: a zip archive with the messages as JSON and, if wanted, the state of the KV cache.

The state only saves time: it is keyed by tokens, so that one that does not fit is not used. A damaged one would spoil
the answers of all conversations, and is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llamapack._util.atomic_files import write_atomically
from llamapack.errors import InputError
from llamapack.llama.plans.messages import Message

_FORMAT = 1
_MESSAGES = "chat.json"
_STATE = "state.bin"


@dataclass(frozen=True, kw_only=True)
class ChatState:
    """The KV cache of a conversation, and the strengths of the LoRA adapters that it was computed with, by name."""

    data: bytes
    adapters: Mapping[str, float]


def write_chat(path: Path, messages: Sequence[Message], state: ChatState | None) -> None:
    """Write a chat; raises InputError if the file cannot be written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        about = None if state is None else {"sha256": _digest(state.data), "adapters": dict(state.adapters)}
        facts = {"format": _FORMAT, "messages": list(messages), "state": about}
        archive.writestr(_MESSAGES, json.dumps(facts, ensure_ascii=False, indent=1))
        if state is not None:
            archive.writestr(_STATE, state.data)
    write_atomically(path, buffer.getvalue())


def read_chat(path: Path) -> tuple[list[Message], ChatState | None]:
    """Read a chat: its messages, and its state if it has one; raises InputError for a file that is none."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112, PTH113
        # a pipe or /dev/zero would never end; Path's own raise for names that are too long
        raise InputError(f"{path} is no saved chat.", why="It is not a regular file.", fix="Check the path.")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
            found: Any = json.loads(archive.read(_MESSAGES))
            data = archive.read(_STATE) if _STATE in archive.namelist() else None
    except OSError as error:
        raise InputError(f"{path} cannot be read.", why=error.strerror or str(error), fix="Check the path.") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RecursionError, ValueError) as error:
        why = str(error) or "It ends too early."
        raise InputError(f"{path} is no saved chat, or it is damaged.", why=why) from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT or not isinstance(found.get("messages"), list):
        raise InputError(f"{path} was not written by this version of llamapack.", fix="Install a newer one.")
    about = found.get("state") or {}
    adapters: Any = about.get("adapters", {}) if isinstance(about, dict) else None
    if not _are_strengths(adapters) or about.get("sha256") != _digest(data):
        raise InputError(f"{path} is damaged.", why="Its state is not the one that was saved.")
    return found["messages"], None if data is None else ChatState(data=data, adapters=adapters)


def _are_strengths(adapters: Any) -> bool:
    return isinstance(adapters, dict) and all(isinstance(each, (int, float)) for each in adapters.values())


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _check_members(archive: zipfile.ZipFile) -> None:
    """Refuse what `write_chat` does not write, and zipfile might stumble over: compression, encryption, other files."""
    members = archive.infolist()
    if [member.filename for member in members] not in ([_MESSAGES], [_MESSAGES, _STATE]):
        raise zipfile.BadZipFile(f"It holds {', '.join(archive.namelist()) or 'nothing'}.")
    for member in members:
        stored = member.compress_type == zipfile.ZIP_STORED and member.compress_size == member.file_size
        if not stored or member.flag_bits:
            raise zipfile.BadZipFile(f"{member.filename} is compressed or encrypted.")
