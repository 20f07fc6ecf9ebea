"""Chats saved with their state: a damaged file is refused, and no answer is another one because of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llamapack import Llama
from llamapack.errors import InputError, RequestError
from llamapack.llama.saved_chats import ChatState, read_chat, write_chat

from tests.support.gguf.files import bpe_vocabulary
from tests.support.reference.made_adapters import write_lora
from tests.support.reference.made_models import write_model
from tests.support.reference.weights import read_weights

Open = Callable[..., Llama]
OPTIONS: dict[str, Any] = {"ctx_size": 512, "parallel": 1, "chat_template": "chatml", "cache_ram": 0}
ASKED: dict[str, Any] = {"max_tokens": 12, "temperature": 0, "ignore_eos": True}


@pytest.fixture
def llm(tmp_path: Path, open_llama: Open) -> Iterator[Llama]:
    with open_llama(write_model(tmp_path / "model.gguf", "llama", vocabulary=bpe_vocabulary()), **OPTIONS) as llm:
        yield llm


@pytest.fixture
def saved(llm: Llama, tmp_path: Path) -> Path:
    chat = llm.chat(**ASKED)
    chat("hello")
    chat.save(tmp_path / "hello.chat", state=True)
    return tmp_path / "hello.chat"


def answers(llm: Llama, path: Path) -> tuple[str, str]:
    """Return what a saved chat answers to the next question, and what comes of another prompt."""
    return llm.load_chat(path, **ASKED)("world").text, llm.complete("something else", **ASKED).text


def test_damaged_chats_change_no_answer(llm: Llama, saved: Path) -> None:
    expected, data = answers(llm, saved), saved.read_bytes()
    numbers, refused = random.Random(3), 0  # noqa: S311 - damage, not secrets
    for _ in range(60):
        at, more = numbers.randrange(len(data)), numbers.randbytes(numbers.randrange(1, 9))
        saved.write_bytes(data[:at] + more + data[at + numbers.choice([0, 1, len(more)]) :])
        try:
            assert answers(llm, saved) == expected
        except InputError:
            refused += 1
    assert refused > 40
    saved.write_bytes(data)
    assert answers(llm, saved) == expected


def test_states_that_do_not_fit_are_refused_and_the_chat_goes_on(
    llm: Llama, saved: Path, tmp_path: Path, open_llama: Open
) -> None:
    expected = answers(llm, saved)
    messages, state = read_chat(saved)
    assert state is not None
    data, middle = state.data, len(state.data) // 2
    for damaged in (b"", data[:-1], data[:middle] + b"\xff" * 64 + data[middle + 64 :]):
        write_chat(tmp_path / "damaged.chat", messages, ChatState(data=damaged, adapters={}))
        chat = llm.load_chat(tmp_path / "damaged.chat", **ASKED)
        with pytest.raises(RequestError, match="file of the slot is damaged"):
            chat("world")
        assert chat("world").text == expected[0]
        assert llm.complete("something else", **ASKED).text == expected[1]
    other = write_model(tmp_path / "other.gguf", "llama", vocabulary=bpe_vocabulary(), n_layer=3)
    with open_llama(other, **OPTIONS) as another:
        chat = another.load_chat(saved, **ASKED)
        with pytest.raises(RequestError, match="saved with another model"):
            chat("world")
        assert chat("world").usage.completion == 12


@pytest.mark.parametrize("later", [{"poems": 1.0}, {"poems": 0.3}, {}, None], ids=str)
def test_states_are_of_the_strengths_that_they_were_saved_with(
    tmp_path: Path, open_llama: Open, later: dict[str, float] | None
) -> None:
    path = write_model(tmp_path / "model.gguf", "llama", vocabulary=bpe_vocabulary())
    write_lora(tmp_path / "poems.gguf", read_weights(path), ["blk.0.attn_k", "blk.1.attn_v"])
    with open_llama(path, lora=[tmp_path / "poems.gguf"], **OPTIONS) as llm:
        chat = llm.chat(lora={"poems": 0.3}, **ASKED)
        chat("hello")
        chat.save(tmp_path / "hello.chat", state=True)
        expected = llm.chat(messages=chat.messages, lora=later, cache_prompt=False, **ASKED)("world").text
        llm.complete("other", max_tokens=1, lora=later, ignore_eos=True)
        reply = llm.load_chat(tmp_path / "hello.chat", lora=later, **ASKED)("world")
        assert reply.text == expected
        assert (reply.usage.cached > 20) == (later == {"poems": 0.3})
