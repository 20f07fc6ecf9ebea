"""What a context remembers: moved, copied and forgotten by sequence and position."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import llamapack
import pytest
from llamapack.errors import InputError, StateError

from tests.support.small_contexts import EXACT, TOKENS, Floats, Made, context, distance, logits_of

# One cache for all sequences, and one for each.
SHARED = {"n_ctx": 512, "n_seq_max": 3, "kv_unified": True}
APART = {"n_ctx": 768, "n_seq_max": 3}


def add(place: llamapack.Context, tokens: Any, sequence: int = 0) -> Floats:
    """Read `tokens` and return the last logits."""
    batch = llamapack.Batch()
    batch.add(tokens, sequence=sequence)
    place.decode(batch)
    return place.outputs.logits()


def all_bounds(place: llamapack.Context) -> list[tuple[int, int] | None]:
    return [place.memory.bounds(sequence) for sequence in range(place.n_seq_max)]


def test_what_was_removed_is_as_if_it_had_never_been_read(made: Made) -> None:
    wanted = logits_of(made("llama"), [*TOKENS[:4], 9], **EXACT)[-1]
    with context(made("llama"), **EXACT) as place:
        place.decode(TOKENS)
        place.memory.remove(0, 4)
        assert place.memory.bounds() == (0, 3)
        assert distance(add(place, [9]), wanted) < 1e-4
        place.memory.remove(0, 0, 2)
        assert place.memory.bounds() == (2, 4)


@pytest.mark.parametrize("options", [SHARED, APART])
def test_one_sequence_or_all_can_be_removed(made: Made, options: dict[str, Any]) -> None:
    with context(made("llama"), **options) as place:
        for sequence in range(3):
            add(place, TOKENS, sequence)
        place.memory.remove(1)
        assert all_bounds(place) == [(0, 9), None, (0, 9)]
        place.memory.remove(start=5)
        assert all_bounds(place) == [(0, 4), None, (0, 4)]
        place.memory.remove()
        assert all_bounds(place) == [None, None, None]


@pytest.mark.parametrize("options", [SHARED, APART])
def test_a_copied_sequence_goes_on_by_itself(made: Made, options: dict[str, Any]) -> None:
    with context(made("llama"), **options, **EXACT) as place:
        add(place, TOKENS[:6], 0)
        place.memory.copy(0, 2)
        assert all_bounds(place) == [(0, 5), None, (0, 5)]
        add(place, [3, 3], 0)
        found = add(place, TOKENS[6:], 2)
        assert distance(found, logits_of(made("llama"), **EXACT)[-1]) < 1e-4
        assert all_bounds(place) == [(0, 7), None, (0, 9)]


def test_parts_can_be_copied_where_sequences_share_a_cache(made: Made) -> None:
    with context(made("llama"), **SHARED, **EXACT) as place:
        add(place, TOKENS, 0)
        place.memory.copy(0, 1, stop=6)
        assert all_bounds(place) == [(0, 9), (0, 5), None]
        assert distance(add(place, [9], 1), logits_of(made("llama"), [*TOKENS[:6], 9], **EXACT)[-1]) < 1e-4
        with pytest.raises(InputError, match=r"^Sequence 1 already has positions 0 to 6\."):
            place.memory.copy(0, 1, 6)
        place.memory.copy(0, 1, 7)
        assert place.memory.bounds(1) == (0, 9)


def test_parts_cannot_be_copied_where_they_have_caches_of_their_own(made: Made) -> None:
    with context(made("llama"), **APART) as place:
        add(place, TOKENS, 0)
        add(place, TOKENS[:2], 1)
        for start, stop in ((1, None), (None, 9), (2, 5)):
            with pytest.raises(InputError) as caught:
                place.memory.copy(0, 1, start, stop)
            assert caught.value.what == "Only the whole of sequence 0, positions 0 to 9, can be copied here."
        place.memory.copy(0, 1, 0, 10)
        assert all_bounds(place) == [(0, 9), (0, 9), None]


@pytest.mark.parametrize("options", [SHARED, APART])
def test_keeping_a_sequence_forgets_the_others(made: Made, options: dict[str, Any]) -> None:
    with context(made("llama"), **options) as place:
        for sequence in range(3):
            add(place, TOKENS[: 5 + sequence], sequence)
        place.memory.keep(1)
        assert all_bounds(place) == [None, (0, 5), None]
        add(place, [1], 0)
        assert all_bounds(place) == [(0, 0), (0, 5), None]


@pytest.mark.parametrize(("kind", "most"), [("f32", 1e-3), ("f16", 0.02), ("q8_0", 0.05), ("q4_0", 0.5)])
def test_shifted_positions_are_as_if_read_there(made: Made, kind: str, most: float) -> None:
    batch = llamapack.Batch()
    batch.add(TOKENS, position=70)
    options = {**EXACT, "type_k": kind}
    with context(made("wide"), **options) as there, context(made("wide"), **options) as moved:
        there.decode(batch)
        moved.decode(TOKENS)
        unmoved = moved.outputs.logits()
        moved.memory.shift(0, 70)
        assert moved.memory.bounds() == (70, 79)
        wanted = add(there, [9])
        assert distance(add(moved, [9]), wanted) < most
        assert distance(unmoved, wanted) > 2 * most


def test_what_is_shifted_below_zero_is_forgotten(made: Made) -> None:
    with context(made("llama")) as place:
        place.decode(TOKENS)
        place.memory.shift(0, -3)
        assert place.memory.bounds() == (0, 6)
        place.decode([1])
        assert place.memory.bounds() == (0, 7)


def test_divided_positions_are_rounded_down(made: Made) -> None:
    with context(made("llama")) as place:
        place.decode(TOKENS)
        place.memory.divide(0, 2)
        assert place.memory.bounds() == (0, 4)
        place.memory.divide(0, 1)
        place.decode([1])
        assert place.memory.bounds() == (0, 5)


def test_a_context_shift_keeps_the_beginning_and_the_end(made: Made) -> None:
    tokens = [token % 96 for token in range(256)]
    with context(made("llama"), **EXACT) as place:
        place.decode(tokens)
        assert place.shift(n_keep=6) == 125
        assert place.n_used == 131
        assert place.shift(n_keep=6, n_discard=100) == 100
        assert place.n_used == 31
        place.decode([1])
        assert place.memory.bounds() == (0, 31)
    with context(made("llama"), n_seq_max=2, n_ctx=512) as place:
        add(place, TOKENS, 1)
        assert place.shift(2, 4, sequence=1) == 4
        assert all_bounds(place) == [None, (0, 5)]


@pytest.mark.parametrize(("n_keep", "n_discard"), [(11, None), (10, None), (9, None), (0, 11), (4, 7)])
def test_a_context_shift_of_more_than_there_is_is_refused(made: Made, n_keep: int, n_discard: int | None) -> None:
    with context(made("llama")) as place:
        place.decode(TOKENS)
        with pytest.raises(InputError, match=r"^Sequence 0 has 10 tokens: "):
            place.shift(n_keep, n_discard)
        assert place.memory.bounds() == (0, 9)


def test_an_endless_text_goes_on_by_shifting(made: Made) -> None:
    with context(made("llama")) as place, llamapack.Sampler.greedy() as sampler:
        place.decode(TOKENS)
        for _ in range(600):
            token = sampler.sample(place)
            if place.n_used == place.n_ctx:
                place.shift(n_keep=4)
            place.decode([token])
        assert 130 <= place.n_used <= 256


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("llama", {"type_k": "bf16"}, "llama.cpp cannot rotate a K cache of type_k='bf16' for this model; use f16."),
        ("llama", {"type_k": "q8_0"}, "llama.cpp cannot rotate a K cache of type_k='q8_0' for this model; use f16."),
        ("qwen2vl", {}, "The memory of this model, or its attention window without swa_full, does not allow it."),
        ("gemma3", {"n_ctx": 1024, "swa_full": False, "n_ubatch": 64}, "The memory of this model, or its attention"),
    ],
)
def test_positions_that_cannot_be_moved_are_left_alone(
    made: Made, kind: str, options: dict[str, Any], why: str
) -> None:
    with context(made(kind), **options) as place:
        place.decode(TOKENS)
        assert not place.memory.can_shift
        moves: tuple[Callable[[], object], ...] = (
            lambda: place.memory.shift(0, 1),
            lambda: place.memory.divide(0, 2),
            lambda: place.shift(2),
        )
        for move in moves:
            with pytest.raises(StateError, match=r"^The positions of this context cannot be moved\.") as caught:
                move()
            assert caught.value.why.startswith(why)
        assert place.memory.bounds() == (0, 9)
        place.decode([1])


@pytest.mark.skipif(os.environ.get("LLAMA_ATTN_ROT_DISABLE", "0") != "0", reason="the variable turns it off")
def test_a_quantized_cache_with_wide_heads_can_be_shifted(made: Made) -> None:
    with context(made("wide"), type_k="q8_0") as place:
        assert place.memory.can_shift


@pytest.mark.parametrize("kind", ["mamba", "lfm2"])
def test_a_recurrent_state_is_forgotten_whole_or_not_at_all(made: Made, kind: str) -> None:
    with context(made(kind), n_ctx=512, n_seq_max=2) as place:
        add(place, TOKENS, 0)
        with pytest.raises(StateError, match=r"^Sequence 0 cannot be removed in part\."):
            place.memory.remove(0, 4)
        place.memory.copy(0, 1)
        assert place.memory.bounds(1) == place.memory.bounds(0)
        place.memory.remove(0)
        assert place.memory.bounds(0) is None
        add(place, [1], 1)
        place.memory.clear()
        assert place.memory.bounds(1) is None
        add(place, [1], 0)
        with pytest.raises(InputError, match=r"^delta=-5 moves position 0 to -5, which is not a position\."):
            place.memory.shift(0, -5)


def test_an_encoder_remembers_nothing(made: Made) -> None:
    with context(made("bert"), embeddings=True) as place:
        place.decode(TOKENS)
        assert place.n_used == 0
        with pytest.raises(StateError, match=r"^This context has no memory\."):
            place.memory.remove(0)
        place.clear()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda memory: memory.bounds(3), "There is no sequence 3: this context has 3, from 0."),
        (lambda memory: memory.remove(-1), "There is no sequence -1: this context has 3, from 0."),
        (lambda memory: memory.remove(300), "There is no sequence 300"),
        (lambda memory: memory.remove(0, 5, 2), "The range from 5 to 2 is backwards."),
        (lambda memory: memory.remove(0, -1), "start must be a whole number from 0"),
        (lambda memory: memory.remove(0, 0, 2**31), "stop must be a whole number from 0 to 2147483647"),
        (lambda memory: memory.copy(0, 3), "There is no sequence 3"),
        (lambda memory: memory.copy(3, 0), "There is no sequence 3"),
        (lambda memory: memory.keep(3), "There is no sequence 3"),
        (lambda memory: memory.keep(True), "There is no sequence True"),
        (lambda memory: memory.shift(3, 1), "There is no sequence 3"),
        (lambda memory: memory.shift(0, 2**31), "delta must be a whole number from -2147483647"),
        (lambda memory: memory.shift(0, 2**31 - 5), "delta=2147483643 moves position 9 to 2147483652, which is no"),
        (lambda memory: memory.divide(3, 2), "There is no sequence 3"),
        (lambda memory: memory.divide(0, 0), "divisor must be a whole number from 1"),
        (lambda memory: memory.divide(0, -2), "divisor must be a whole number from 1"),
    ],
)
def test_sequences_and_ranges_that_do_not_exist_are_refused(
    made: Made, call: Callable[[Any], object], message: str
) -> None:
    with context(made("llama"), **SHARED) as place:
        add(place, TOKENS, 0)
        with pytest.raises(InputError) as caught:
            call(place.memory)
        assert str(caught.value).startswith(message)
        assert all_bounds(place) == [(0, 9), None, None]
