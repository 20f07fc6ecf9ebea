"""Chats: what they remember, and how they are saved."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from llamapack.errors import InputError, StateError
from llamapack.llama.aio import AsyncLlama
from llamapack.llama.chats import Chat
from llamapack.llama.saved_chats import read_chat

from tests.support.llama.fake_engine import FakeEngine, Given, core, refused, said, streamed


def chat(*answers: Given, tmp_path: Path) -> tuple[Chat, FakeEngine]:
    it, engine = core(*answers)
    return Chat(it, tmp_path, [], {"system": "Be brief", "max_tokens": 9}, None), engine


def test_chat_remembers_forks_and_undoes(tmp_path: Path) -> None:
    it, engine = chat(said("A"), said("B"), said("C"), tmp_path=tmp_path)
    it("a")
    other = it.fork()
    it("b", temperature=0)
    assert [message["content"] for message in it.messages] == ["Be brief", "a", "A", "b", "B"]
    assert engine.bodies[1]["n_predict"] == 9
    it.undo()
    assert it.messages == other.messages
    other("c")
    assert len(it.messages) == 3
    with pytest.raises(StateError, match=r"2 turns cannot be undone: the conversation has 1"):
        it.undo(2)
    with pytest.raises(InputError, match=r"`system` is for a whole conversation"):
        it("d", system="No")


def test_calls_that_fail_are_not_remembered(tmp_path: Path) -> None:
    it, _ = chat(refused(500, "server_error", "no"), tmp_path=tmp_path)
    with pytest.raises(Exception, match=r"status 500"):
        it("a")
    assert len(it.messages) == 1


def test_streamed_turns_are_remembered_when_complete(tmp_path: Path) -> None:
    it, _ = chat(streamed({"content": "A"}), tmp_path=tmp_path)
    stream = it.stream("a")
    assert len(it.messages) == 1
    assert list(stream) == ["A"]
    assert [message["content"] for message in it.messages] == ["Be brief", "a", "A"]


def test_chats_are_saved_as_a_whole(tmp_path: Path) -> None:
    it, _ = chat(said("A"), tmp_path=tmp_path)
    it("a")
    it.save(tmp_path / "a.chat")
    assert read_chat(tmp_path / "a.chat") == (list(it.messages), None)


def test_saved_chats_begin_as_others_do(tmp_path: Path) -> None:
    it, _ = core(said("A"))
    aio = AsyncLlama(it, tmp_path)
    Chat(it, tmp_path, [], {}, None).save(tmp_path / "empty.chat")
    assert aio.load_chat(tmp_path / "empty.chat").messages == ()
    talk = Chat(it, tmp_path, [], {}, None)
    talk("a")
    talk.save(tmp_path / "a.chat")
    later = aio.load_chat(tmp_path / "a.chat", system="Be brief")
    assert [message["content"] for message in later.messages] == ["Be brief", "a", "A"]
    Chat(it, tmp_path, later.messages, {}, None).save(tmp_path / "b.chat")
    with pytest.raises(InputError, match=r"There are two system messages"):
        aio.load_chat(tmp_path / "b.chat", system="Be brief")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_files_that_are_no_chats_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.chat").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.chat is no saved chat, or it is damaged"):
        read_chat(tmp_path / "a.chat")


def test_chats_of_a_later_format_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.chat", "w") as archive:
        archive.writestr("chat.json", '{"format": 2}')
    with pytest.raises(InputError, match=r"was not written by this version"):
        read_chat(tmp_path / "a.chat")
