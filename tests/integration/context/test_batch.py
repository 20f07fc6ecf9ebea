"""Batches: tokens and embeddings where they belong, and errors for what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack.errors import InputError

from tests.support.small_contexts import EXACT, TOKENS, Made, context, distance, logits_of


def test_indices_and_outputs_are_counted_through() -> None:
    batch = llamapack.Batch()
    assert batch.add([5, 6, 7]) == range(3)
    assert batch.add([8, 9], outputs="all") == range(3, 5)
    assert batch.add([1], outputs="none") == range(5, 6)
    assert batch.add([2, 3, 4], outputs=[True, False, True]) == range(6, 9)
    assert (len(batch), batch.outputs) == (9, (2, 3, 4, 6, 8))
    batch.clear()
    assert (len(batch), batch.outputs) == (0, ())


def test_a_batch_goes_on_where_its_sequences_are(made: Made) -> None:
    whole = logits_of(made("llama"), **EXACT)
    batch = llamapack.Batch()
    with context(made("llama"), n_ctx=512, n_seq_max=2, **EXACT) as place:
        for part in (TOKENS[:4], TOKENS[4:5], TOKENS[5:]):
            batch.clear()
            batch.add(part, sequence=1)
            place.decode(batch)
        assert distance(place.outputs.logits(), whole[-1]) < 1e-4
        assert (place.memory.bounds(0), place.memory.bounds(1)) == (None, (0, 9))


def test_several_pieces_of_a_sequence_in_one_batch_follow_each_other(made: Made) -> None:
    batch = llamapack.Batch()
    batch.add(TOKENS[:4])
    batch.add(TOKENS[4:], outputs="all")
    with context(made("llama"), **EXACT) as place:
        place.decode(batch)
        assert distance(place.outputs.logits(None), logits_of(made("llama"), **EXACT)[3:]) < 1e-4


def test_a_batch_can_be_used_again_and_elsewhere(made: Made) -> None:
    batch = llamapack.Batch()
    batch.add(TOKENS)
    with context(made("llama")) as one, context(made("llama")) as other:
        one.decode(batch)
        one.decode(batch)
        other.decode(batch)
        assert (one.n_used, other.n_used) == (20, 10)


def test_a_sequence_may_begin_anywhere(made: Made) -> None:
    batch = llamapack.Batch()
    batch.add(TOKENS, position=100, outputs="all")
    with context(made("llama"), **EXACT) as place:
        place.decode(batch)
        assert place.memory.bounds() == (100, 109)
        # rotary positions are relative
        assert distance(place.outputs.logits(None), logits_of(made("llama"), **EXACT)) < 1e-3


def test_tokens_that_sequences_share_are_read_once_for_all(made: Made) -> None:
    with context(made("llama"), n_seq_max=3, kv_unified=True, **EXACT) as place:
        shared = llamapack.Batch()
        shared.add(TOKENS[:6], sequence=[0, 2])
        place.decode(shared)
        batch = llamapack.Batch()
        batch.add(TOKENS[6:], sequence=2)
        batch.add([3], sequence=0)
        place.decode(batch)
        assert distance(place.outputs.logits(3), logits_of(made("llama"), **EXACT)[-1]) < 1e-4
        assert distance(place.outputs.logits(4), logits_of(made("llama"), [*TOKENS[:6], 3], **EXACT)[-1]) < 1e-4


def test_positions_of_images_have_sections(made: Made) -> None:
    rows = np.random.default_rng(1).standard_normal((4, 64)).astype(np.float32)
    model = made("qwen2vl")

    def last(**positions: Any) -> np.ndarray[Any, Any]:
        batch = llamapack.Batch()
        batch.add_embeddings(rows, **positions)
        with context(model, **EXACT) as place:
            place.decode([7])
            place.decode(batch)
            found = place.outputs.logits()
            place.decode([8])
            return found

    text, image = last(), last(sections=[[1, 1, 1, 1], [1, 1, 2, 2], [1, 2, 1, 2], [0, 0, 0, 0]])
    assert np.array_equal(text, last(sections=[[1, 2, 3, 4]] * 4))
    assert distance(text, image) > 1e-3


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda batch: batch.add([]), "There are no tokens to add."),
        (lambda batch: batch.add([-1]), "A token must be a whole number from 0 to 2147483647, not -1."),
        (lambda batch: batch.add([1.5]), "A token must be a whole number from 0 to 2147483647, not 1.5."),
        (lambda batch: batch.add([True]), "A token must be a whole number from 0 to 2147483647, not True."),
        (lambda batch: batch.add([1], sequence=-1), "A sequence must be a whole number from 0"),
        (lambda batch: batch.add([1], sequence=[]), "sequence must name one or more different sequences, not []."),
        (lambda batch: batch.add([1], sequence=[1, 1]), "sequence must name one or more different sequences"),
        (lambda batch: batch.add([1], position=-1), "position must be a whole number from 0"),
        (lambda batch: batch.add([1, 2], position=2**31 - 2), "position must be a whole number from 0 to 2147483645"),
        (lambda batch: batch.add([1], outputs="some"), "outputs must be 'last', 'all', 'none' or a bool for each"),
        (lambda batch: batch.add([1, 2], outputs=[True]), "outputs has 1 values for 2 tokens."),
        (lambda batch: batch.add_embeddings(np.zeros(4)), "Embeddings must be of shape (count, n_embd_inp), not (4,)."),
        (lambda batch: batch.add_embeddings(np.zeros((0, 4))), "There are no embeddings to add."),
        (lambda batch: batch.add_embeddings(np.zeros((2, 4)), sections=[[1, 2]] * 3), "sections must be of shape (4"),
        (
            lambda batch: batch.add_embeddings(np.zeros((1, 4), np.float32), sections=[[1]] * 4, position=1),
            "Give position or sections, not both.",
        ),
    ],
)
def test_wrong_arguments_are_refused_and_change_nothing(add: Callable[[llamapack.Batch], object], message: str) -> None:
    batch = llamapack.Batch()
    with pytest.raises(InputError) as caught:
        add(batch)
    assert str(caught.value).startswith(message)
    assert (len(batch), batch.outputs) == (0, ())


def test_tokens_and_embeddings_do_not_mix() -> None:
    batch = llamapack.Batch()
    batch.add([1])
    with pytest.raises(InputError, match=r"^This batch holds tokens\."):
        batch.add_embeddings(np.zeros((1, 4), np.float32))
    batch.clear()
    batch.add_embeddings(np.zeros((1, 4), np.float32))
    with pytest.raises(InputError, match=r"^This batch holds embeddings\."):
        batch.add([1])
    with pytest.raises(InputError, match=r"^Embeddings must be of shape \(count, 4\), not \(1, 5\)\."):
        batch.add_embeddings(np.zeros((1, 5), np.float32))


@pytest.mark.parametrize(
    ("fill", "options", "message"),
    [
        (lambda batch: None, {}, "There are no tokens to decode."),
        (lambda batch: batch.add([96]), {}, "There is no token 96: the vocabulary has 96 tokens, from 0."),
        (lambda batch: batch.add([1] * 257), {}, "A batch of 257 tokens is more than n_batch=256."),
        (lambda batch: batch.add([1], sequence=1), {}, "There is no sequence 1: this context has 1, from 0."),
        (
            lambda batch: batch.add([1], position=5),
            {},
            "Position 5 does not follow position 1, the last of sequence 0.",
        ),
        (
            lambda batch: batch.add([1], position=1),
            {},
            "Position 1 does not follow position 1, the last of sequence 0.",
        ),
        (lambda batch: batch.add_embeddings(np.zeros((1, 63))), {}, "The embeddings are 63 wide, but this model takes"),
        (
            lambda batch: [batch.add([1], sequence=1, position=3), batch.add([1], sequence=1, position=3)],
            {"n_seq_max": 2},
            "Position 3 does not follow position 3, the last of sequence 1.",
        ),
        (
            lambda batch: batch.add([1], sequence=[0, 1]),
            {"n_seq_max": 2, "n_ctx": 512},
            "A token cannot belong to the sequences 0, 1 at once here.",
        ),
        (
            lambda batch: batch.add([1], sequence=[0, 1]),
            {"n_seq_max": 2, "kv_unified": True},
            "Tokens can only be added to several sequences that end at the same position.",
        ),
        (
            lambda batch: batch.add([1] * 20),
            {"attention": "non-causal", "n_batch": 64, "n_ubatch": 16},
            "A batch of 20 tokens is more than n_batch=16.",
        ),
    ],
)
def test_what_does_not_fit_the_context_is_refused_and_leaves_it_as_it_was(
    made: Made, fill: Callable[[llamapack.Batch], object], options: dict[str, Any], message: str
) -> None:
    batch = llamapack.Batch()
    fill(batch)
    with context(made("llama"), **options) as place:
        place.decode([1, 2])
        with pytest.raises(InputError) as caught:
            place.decode(batch)
        assert str(caught.value).startswith(message)
        assert place.memory.bounds() == (0, 1)
        place.decode([3])


def test_an_encoder_takes_no_more_than_is_computed_at_once(made: Made) -> None:
    with context(made("bert"), embeddings=True, n_batch=64, n_ubatch=16) as place:
        with pytest.raises(InputError) as caught:
            place.encode([1] * 17)
        assert caught.value.what == "A batch of 17 tokens is more than n_ubatch=16."
        assert caught.value.why == "An encoder reads a batch as a whole."


def test_numbers_of_numpy_are_taken(made: Made) -> None:
    batch = llamapack.Batch()
    batch.add(np.array(TOKENS, dtype=np.int64))
    with context(made("llama")) as place:
        place.decode(batch)
        place.decode(np.array(TOKENS, dtype=np.int32))  # type: ignore[arg-type]
        assert place.n_used == 20
