"""Saved states: they bring back what was read, and what is damaged or foreign is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack.errors import ClosedError, InputError, StateError

from tests.support.children import python
from tests.support.reference.made_models import write_model
from tests.support.saved_states import HEADER_BEGIN, prepared, resealed
from tests.support.small_contexts import TOKENS, Floats, Made, context, distance

KINDS = ("llama", "gpt2", "t5", "mamba", "lfm2", "gemma3", "qwen2vl")


def next_logits(place: llamapack.Context, token: int = 9, sequence: int = 0) -> Floats:
    batch = llamapack.Batch()
    batch.add([token], sequence=sequence)
    place.decode(batch)
    return place.outputs.logits()


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_state_goes_on_as_the_saved_one(made: Made, kind: str) -> None:
    with prepared(made(kind)) as place, prepared(made(kind)) as other:
        data = place.state.to_bytes(tokens=TOKENS)
        wanted = next_logits(place)
        other.decode([1, 2])
        saved = other.state.from_bytes(data)
        assert saved == llamapack.SavedState(sequence=None, tokens=TOKENS)
        assert other.last_position(0) == 9
        assert np.array_equal(next_logits(other), wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"kv_unified": True}])
def test_a_sequence_can_be_loaded_into_another(made: Made, kind: str, options: dict[str, Any]) -> None:
    if kind == "t5" and not options:
        options = {"kv_unified": True}
    with prepared(made(kind), n_ctx=1024, n_seq_max=3, **options) as place:
        data = place.state.to_bytes(0)
        wanted = next_logits(place)
        if made(kind).has_encoder:  # its output belongs to a sequence, and is not part of the state
            return
        place.memory.remove(0)
        assert place.state.from_bytes(data, sequence=2).sequence == 0
        assert place.last_position(2) == 9
        assert np.allclose(next_logits(place, sequence=2), wanted, atol=0.01)
        place.state.from_bytes(data)
        assert (place.last_position(0), place.last_position(2)) == (9, 10)


def test_positions_that_were_moved_are_saved_as_moved(made: Made) -> None:
    with prepared(made("llama")) as place, context(made("llama")) as other:
        place.memory.remove(0, 2, 5)
        place.memory.shift(0, -3, 5)
        other.state.from_bytes(place.state.to_bytes())
        assert other.memory.bounds() == (0, 6)
        assert distance(next_logits(other), next_logits(place)) < 0.01


def test_a_copy_that_is_still_to_be_made_is_saved_as_made(made: Made) -> None:
    options = {"n_ctx": 512, "n_seq_max": 2}
    with prepared(made("llama"), **options) as place, context(made("llama"), **options) as other:
        place.memory.copy(0, 1)
        other.state.from_bytes(place.state.to_bytes(1))
        assert np.array_equal(next_logits(other, sequence=1), next_logits(place, sequence=1))


def test_a_state_can_go_through_a_file_which_is_replaced_as_a_whole(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "größe.state"
    with prepared(made("llama")) as place:
        place.state.save(path, tokens=TOKENS)
        place.state.save(path, 0, tokens=TOKENS[:3])
        wanted = next_logits(place)
        assert place.state.load(path) == llamapack.SavedState(sequence=0, tokens=TOKENS[:3])
        assert np.array_equal(next_logits(place), wanted)
        assert [file.name for file in tmp_path.iterdir()] == [path.name]
        before = path.read_bytes()

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(InputError, match=f"^{path} cannot be written.\nNo space left on device"):
            place.state.save(path)
        assert [file.name for file in tmp_path.iterdir()] == [path.name]
        assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_not_replaced(made: Made, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with context(made("llama")) as place:
        place.decode(TOKENS)
        for name, message in (("pipe", "is not a regular file"), ("", "is a folder"), ("no/file", "cannot be written")):
            with pytest.raises(InputError, match=message):
                place.state.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_file_that_is_not_there_is_named(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "none"
    with context(made("llama")) as place, pytest.raises(InputError, match=f"^The state {path} cannot be read"):
        place.state.load(path)


def test_there_is_nothing_to_sample_from_after_loading(made: Made) -> None:
    with prepared(made("llama")) as place:
        place.state.from_bytes(place.state.to_bytes())
        with pytest.raises(StateError, match=r"^There is nothing to sample from\."):
            place.outputs.logits()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: b"", "These bytes are not a state of llamapack."),
        (lambda data: data[:50], "These bytes are not a state of llamapack."),
        (lambda data: b"x" + data, "These bytes are not a state of llamapack."),
        (lambda data: data[:-1], "The state is damaged"),
        (lambda data: data + b"\0", "The state is damaged"),
        (lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:], "The state is damaged"),
        (lambda data: data[:-900] + bytes([data[-900] ^ 1]) + data[-899:], "The state is damaged"),
        (lambda data: data[:20] + b"\xff\xff\xff\x7f" + data[24:], "The state is damaged"),
        (lambda data: data[:16] + b"\x02" + data[17:], "The state has format 2; this llamapack reads 1."),
    ],
)
def test_damaged_and_foreign_bytes_are_refused_and_change_nothing(
    made: Made, spoil: Callable[[bytes], bytes], message: str
) -> None:
    with prepared(made("llama")) as place:
        data = place.state.to_bytes()
        with pytest.raises(InputError) as caught:
            place.state.from_bytes(spoil(data))
        assert str(caught.value).startswith(message)
        assert place.memory.bounds() == (0, 9)
        assert place.outputs.logits().shape == (96,)


def test_states_of_other_models_and_versions_are_refused(made: Made, tmp_path: Path) -> None:
    other_path = write_model(tmp_path / "other.gguf", "llama", seed=2)
    with prepared(made("llama")) as place, llamapack.Model(other_path) as other, context(other) as elsewhere:
        data = place.state.to_bytes()
        with pytest.raises(InputError, match=r"^The state is of another model\."):
            elsewhere.state.from_bytes(data)

        def change(changed: bytearray, payload: int) -> None:
            header = json.loads(changed[HEADER_BEGIN:payload])
            old = header["llama_commit"].encode()
            changed[:] = changed.replace(old, b"f" * len(old))

        with pytest.raises(InputError, match=r"^The state is of another version of llama\.cpp\."):
            place.state.from_bytes(resealed(data, change))


@pytest.mark.parametrize(
    "options",
    [
        {"type_k": "q8_0"},
        {"type_v": "f32"},
        {"flash_attention": "off"},
        {"n_seq_max": 2, "n_ctx": 512},
    ],
)
def test_a_state_of_another_shape_is_refused_and_leaves_an_empty_context(made: Made, options: dict[str, Any]) -> None:
    model = made("wide")
    with prepared(model) as place, prepared(model, **options) as other:
        with pytest.raises(InputError, match=r"^The state does not fit this context\.") as caught:
            other.state.from_bytes(place.state.to_bytes())
        assert caught.value.why
        assert other.memory.bounds() is None
        other.decode(TOKENS)


def test_a_state_longer_than_the_context_is_refused(made: Made) -> None:
    with context(made("llama"), n_ctx=512) as place, context(made("llama")) as other:
        place.decode([1] * 300)
        for sequence in (None, 0):
            with pytest.raises(InputError, match=r"^The state does not fit this context\."):
                other.state.from_bytes(place.state.to_bytes(sequence))
        assert other.memory.bounds() is None
        other.decode(TOKENS)
        place.state.from_bytes(other.state.to_bytes())
        assert place.memory.bounds() == (0, 9)


def test_sequences_that_do_not_exist_are_refused(made: Made) -> None:
    with prepared(made("llama")) as place:
        with pytest.raises(InputError, match=r"^There is no sequence 1: this context has 1, from 0\."):
            place.state.to_bytes(1)
        with pytest.raises(InputError, match=r"^There is no sequence 300"):
            place.state.from_bytes(place.state.to_bytes(0), sequence=300)
        with pytest.raises(InputError, match=r"^This is the state of a whole context, not of a sequence\."):
            place.state.from_bytes(place.state.to_bytes(), sequence=0)
        with pytest.raises(InputError, match=r"^A token must be"):
            place.state.to_bytes(tokens=[-1])
    with pytest.raises(ClosedError):
        place.state.to_bytes()


FORGED = """
import random, sys
from pathlib import Path
import llamapack
from llamapack.errors import LlamapackError
from tests.support.saved_states import prepared, resealed
from tests.support.small_contexts import TOKENS

chance, refused = random.Random(int(sys.argv[3])), 0
with llamapack.Model(sys.argv[1]) as model, prepared(model, n_ctx=512, n_seq_max=2) as place:
    states = [place.state.to_bytes(), place.state.to_bytes(0)]
    for number in range(int(sys.argv[2])):
        def change(data, payload):
            spots = [payload + chance.randrange(256), chance.randrange(payload, len(data))]
            for spot in spots[: chance.randint(1, 2)]:
                spot = min(spot, len(data) - 1)
                data[spot : spot + 4] = chance.choice([b"\\xff" * 4, b"\\0" * 4, bytes([chance.randrange(256)])])
            if chance.random() < 0.2:
                del data[chance.randrange(payload, len(data)) :]
        try:
            place.state.from_bytes(resealed(chance.choice(states), change))
        except LlamapackError:
            refused += 1
        try:
            place.decode(TOKENS[:2])
        except LlamapackError:
            pass
        place.clear()
    place.decode(TOKENS)
print(refused)
"""


@pytest.mark.parametrize("kind", ["llama", "mamba", "lfm2", "gemma3"])
def test_forged_states_do_not_end_the_process(made_path: Callable[[str], Path], kind: str) -> None:
    answer = python(FORGED, made_path(kind), "150", str(sum(kind.encode())), cwd=Path(__file__).parents[3])
    assert (answer.status, answer.err[-2000:]) == (0, "")
    assert int(answer.out) > 30
