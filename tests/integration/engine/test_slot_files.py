"""Files of slots: only one that is as it was saved, with this model, gets into the cache."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llamapack.engine import Engine

from tests.support.gguf.files import bpe_vocabulary
from tests.support.reference.made_models import write_model

SEAL = 16 + 32 + 32
"""Bytes that an engine appends: a mark, a digest of the model, and one of all before."""
TEXT, OTHER = "hello world, how are you today", "something else"


class Slot:
    """An engine with one slot, and a folder for its files."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder

    def act(self, action: str, name: str = "slot.bin") -> tuple[int, str]:
        """Save or restore the slot; return the status and the message of an error."""
        response = self.engine.request("POST", f"/slots/0?action={action}", {"filename": name})
        return response.status, response.read().decode()

    def answer(self, prompt: str) -> tuple[list[int], int]:
        """Return the likeliest tokens behind a prompt, and how many tokens of the prompt were not cached."""
        body = {"prompt": prompt, "n_predict": 6, "temperature": 0, "ignore_eos": True, "return_tokens": True}
        found: dict[str, Any] = self.engine.request("POST", "/completion", body).json()
        return found["tokens"], found["timings"]["prompt_n"]

    def write(self, data: bytes) -> None:
        """Put something else into the file."""
        (self.folder / "slot.bin").write_bytes(data)


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    path = write_model(tmp_path / "model.gguf", "llama", vocabulary=bpe_vocabulary())
    with Engine(
        path, ctx_size=256, parallel=1, threads=1, warmup=False, cache_ram=0, slot_save_path=tmp_path
    ) as engine:
        yield Slot(engine, tmp_path)


def test_a_slot_comes_back_as_it_was(slot: Slot) -> None:
    expected, _ = slot.answer(TEXT)
    assert slot.act("save")[0] == 200
    slot.answer(OTHER)
    assert slot.act("restore")[0] == 200
    assert slot.answer(TEXT) == (expected, 1)


def test_damaged_files_change_nothing(slot: Slot) -> None:
    numbers = random.Random(7)  # noqa: S311 - damage, not secrets
    expected, _ = slot.answer(TEXT)
    slot.act("save")
    data = (slot.folder / "slot.bin").read_bytes()
    slot.answer(OTHER)
    other = slot.answer(OTHER)
    for damaged in [data[:-SEAL], data[:40], b"", *(_damaged(data, numbers) for _ in range(60))]:
        slot.write(damaged)
        status, text = slot.act("restore")
        assert (status, "is damaged, or no engine of llamapack saved it" in text) == (400, True)
        assert slot.answer(OTHER) == other
    slot.write(data)
    assert slot.act("restore")[0] == 200
    assert slot.answer(TEXT)[0] == expected


def _damaged(data: bytes, numbers: random.Random) -> bytes:
    at = numbers.randrange(len(data))
    wrong = bytes([data[at] ^ 1 << numbers.randrange(8)])
    return numbers.choice([data[:at], data[:at] + wrong + data[at + 1 :], data[:at] + wrong + data[at:]])


def test_files_of_other_models_and_none_are_refused(slot: Slot, tmp_path: Path) -> None:
    slot.answer(TEXT)
    slot.act("save")
    path = write_model(tmp_path / "other.gguf", "llama", vocabulary=bpe_vocabulary(), rope__freq_base=20000.0)
    with Engine(path, ctx_size=256, parallel=1, threads=1, warmup=False, slot_save_path=tmp_path) as engine:
        status, text = Slot(engine, tmp_path).act("restore")
        assert (status, "saved with another model" in text) == (400, True)
        status, text = Slot(engine, tmp_path).act("restore", "none.bin")
        assert (status, "there is no file" in text) == (400, True)
        assert Slot(engine, tmp_path).act("restore", "../slot.bin")[0] == 400
