"""Files of chats: what comes back is what was saved, or an error."""

from __future__ import annotations

import json
import os
import random
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from llamapack.errors import InputError
from llamapack.llama.saved_chats import ChatState, read_chat, write_chat

MESSAGES = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Grüße"}]
STATE = ChatState(data=bytes(range(256)), adapters={"poems": 0.5})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_chat(tmp_path / "saved.chat", MESSAGES, STATE)
    return tmp_path / "saved.chat"


@pytest.mark.parametrize("state", [None, ChatState(data=b"", adapters={}), STATE], ids=["none", "empty", "some"])
def test_chat_comes_back_as_it_was(tmp_path: Path, state: ChatState | None) -> None:
    write_chat(tmp_path / "saved.chat", MESSAGES, state)
    assert read_chat(tmp_path / "saved.chat") == (MESSAGES, state)


def test_damaged_chats_are_refused_wherever_the_damage_is(path: Path) -> None:
    data, numbers, refused = path.read_bytes(), random.Random(5), 0  # noqa: S311 - damage, not secrets
    for _ in range(1500):
        at, more = numbers.randrange(len(data)), numbers.randbytes(numbers.randrange(1, 9))
        end = at + numbers.choice([0, 1, len(more)])
        path.write_bytes(data[:at] if numbers.random() < 0.1 else data[:at] + more + data[end:])
        try:
            assert read_chat(path) == (MESSAGES, STATE)  # dates, for example, change nothing
        except InputError:
            refused += 1
    assert refused > 1000


def rewritten(path: Path, members: Mapping[str, str | bytes], kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_files_of_another_kind_are_refused_with_the_reason(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        chat, state = (archive.read(name) for name in ("chat.json", "state.bin"))
    newer = json.dumps({"format": 2, "messages": [], "state": None})
    states = (["x"], "x", 5, {"sha256": None, "adapters": ["x"]}, {"sha256": None, "adapters": {"x": "y"}})
    wrong = [json.dumps({"format": 1, "messages": [], "state": each}) for each in states]
    cases: Sequence[tuple[Mapping[str, str | bytes], int, str]] = (
        ({"chat.json": chat}, zipfile.ZIP_STORED, "Its state is not the one that was saved"),
        ({"chat.json": chat, "state.bin": state[::-1]}, zipfile.ZIP_STORED, "Its state is not the one"),
        ({"chat.json": chat, "state.bin": state}, zipfile.ZIP_DEFLATED, "is compressed or encrypted"),
        ({"chat.json": chat, "other": state}, zipfile.ZIP_STORED, "It holds chat.json, other"),
        ({"chat.json": b"[" * 100_000}, zipfile.ZIP_STORED, "is no saved chat, or it is damaged"),
        ({"chat.json": newer}, zipfile.ZIP_STORED, "was not written by this version"),
        *(({"chat.json": each}, zipfile.ZIP_STORED, "is damaged") for each in wrong),
    )
    for members, kind, why in cases:
        with pytest.raises(InputError, match=why):
            read_chat(rewritten(path, members, kind))
    for name in ("none.chat", "a" * 300):
        with pytest.raises(InputError, match="cannot be read"):
            read_chat(path.with_name(name))


@pytest.mark.skipif(os.name != "posix", reason="Windows has no named pipes among its files")
def test_a_pipe_or_a_device_is_not_read_for_ever(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="It is not a regular file"):
            read_chat(path)
