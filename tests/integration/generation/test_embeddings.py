"""Embeddings: of tokens and of texts, pooled as their definitions say, against the numpy forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack.errors import InputError, PromptTooLongError, StateError

from tests.support.reference.llama import Llama
from tests.support.reference.made_models import write_model
from tests.support.reference.weights import read_weights
from tests.support.small_contexts import EXACT, TOKENS, Floats, Made, context, distance


@pytest.fixture(scope="module")
def hidden(made_path: Callable[[str], Path]) -> Floats:
    return Llama(weights=read_weights(made_path("llama"))).run(TOKENS).hidden


def test_embeddings_of_tokens_are_the_normalized_last_layer(made: Made, hidden: Floats) -> None:
    with context(made("llama"), embeddings=True, **EXACT) as place:
        assert place.pooling == "none"
        place.decode(TOKENS)
        assert distance(place.outputs.embeddings(), hidden) < 1e-4
        assert distance(place.outputs.embeddings(3), hidden[3]) < 1e-4
        assert distance(place.outputs.embeddings(-1), hidden[-1]) < 1e-4
        lengths = np.linalg.norm(place.outputs.embeddings(normalize=True), axis=-1)
        assert np.allclose(lengths, 1, atol=1e-6)


@pytest.mark.parametrize(
    ("pooling", "pool"),
    [("mean", lambda rows: rows.mean(axis=0)), ("cls", lambda rows: rows[0]), ("last", lambda rows: rows[-1])],
)
def test_pooling_is_what_its_name_says(
    made: Made, hidden: Floats, pooling: str, pool: Callable[[Floats], Floats]
) -> None:
    with context(made("llama"), embeddings=True, pooling=pooling, **EXACT) as place:
        assert place.pooling == pooling
        place.decode(TOKENS)
        assert distance(place.outputs.sequence_embedding(), pool(hidden)) < 1e-4
        normal = place.outputs.sequence_embedding(normalize=True)
        assert distance(normal, pool(hidden) / np.linalg.norm(pool(hidden))) < 1e-4


def test_attention_that_is_not_causal_sees_what_follows(made: Made, made_path: Callable[[str], Path]) -> None:
    wanted = Llama(weights=read_weights(made_path("llama")), causal=False).run(TOKENS).hidden
    with context(made("llama"), embeddings=True, pooling="none", attention="non-causal", **EXACT) as place:
        assert not place.causal
        place.decode(TOKENS)
        assert distance(place.outputs.embeddings(), wanted) < 1e-4


def test_sequences_are_pooled_apart(made: Made) -> None:
    texts = [TOKENS[:3], TOKENS[3:4], TOKENS[4:]]
    with context(made("llama"), embeddings=True, pooling="mean", n_seq_max=3, **EXACT) as place:
        assert place.kv_unified
        assert place.n_seq_max == 4  # of 256 tokens, 3 cannot have the same number each
        alone = []
        for text in texts:
            place.clear()
            place.decode(text)
            alone.append(place.outputs.sequence_embedding())
        place.clear()
        batch = llamapack.Batch()
        for sequence, text in enumerate(texts):
            batch.add(text, sequence=sequence)
        place.decode(batch)
        for sequence, wanted in enumerate(alone):
            assert distance(place.outputs.sequence_embedding(sequence), wanted) < 1e-5
        place.clear()
        place.decode(TOKENS)
        with pytest.raises(InputError, match=r"^The last batch had nothing of sequence 2\.$"):
            place.outputs.sequence_embedding(2)


def test_an_encoder_pools_as_its_file_says(made: Made) -> None:
    with context(made("bert"), embeddings=True) as place, context(made("bert"), embeddings=True, pooling="none") as raw:
        assert place.pooling == "mean"
        place.encode(TOKENS)
        raw.decode(TOKENS)
        assert distance(place.outputs.sequence_embedding(), raw.outputs.embeddings().mean(axis=0)) < 1e-5


def test_a_reranker_gives_a_score(made: Made) -> None:
    model = made("reranker")
    assert model.classes == ("",)
    with context(model, embeddings=True) as place:
        assert place.pooling == "rank"
        place.decode(TOKENS)
        first = place.outputs.sequence_embedding()
        place.decode(TOKENS[::-1])
        assert first.shape == (1,)
        assert first != place.outputs.sequence_embedding()


def test_what_is_not_made_is_refused_with_the_reason(made: Made) -> None:
    model = made("llama")
    with context(model) as place:
        place.decode(TOKENS)
        for ask in (place.outputs.embeddings, place.outputs.sequence_embedding):
            with pytest.raises(StateError, match=r"^This context gives logits, not embeddings\."):
                ask()
    with context(model, embeddings=True, pooling="mean") as place:
        place.decode(TOKENS)
        with pytest.raises(StateError, match=r"^The embeddings of this context are pooled \(mean\)"):
            place.outputs.embeddings()
        with pytest.raises(StateError, match=r"^This context gives embeddings, pooled \(mean\), and no logits\."):
            place.outputs.logits()
        with llamapack.Sampler.greedy() as sampler, pytest.raises(StateError, match="and no logits"):
            sampler.sample(place)
    with context(model, embeddings=True, pooling="none") as place:
        place.decode(TOKENS)
        with pytest.raises(StateError, match=r"^This context pools nothing"):
            place.outputs.sequence_embedding()
        assert place.outputs.logits().shape == (96,)


def test_pooling_over_more_than_is_computed_at_once_is_refused(made: Made) -> None:
    options = {"embeddings": True, "n_batch": 64, "n_ubatch": 8}
    with context(made("llama"), pooling="mean", **options) as place:
        with pytest.raises(InputError) as caught:
            place.decode(TOKENS)
        assert caught.value.what == "A batch of 10 tokens is more than n_ubatch=8."
        assert caught.value.why == "Pooling sees only what is computed at once."
    with context(made("llama"), pooling="none", **options) as place:
        place.decode(TOKENS)
        assert place.outputs.embeddings().shape == (10, 64)
        with pytest.raises(InputError, match=r"^A batch of 70 tokens is more than n_batch=64\."):
            place.decode([1] * 70)


def test_texts_are_embedded_in_their_order_one_row_each(model: llamapack.Model) -> None:
    texts = ["The cat sleeps.", "Le chat dort.", "Stock prices fell sharply on Monday."] * 15
    rows = llamapack.embed(model, texts, n_threads=1)
    assert rows.shape == (45, 576)
    assert np.allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-5)
    for index in (0, 17, 44):
        assert distance(rows[index], llamapack.embed(model, texts[index], n_threads=1)) < 0.03
    assert distance(rows[:3], rows[42:]) < 0.03


def test_the_scores_of_a_reranker_are_not_normalized(tmp_path: Path) -> None:
    path = write_model(tmp_path / "ranker.gguf", "reranker", words="abcd")
    with llamapack.Model(path) as model:
        scores = llamapack.embed(model, ["a b", "c d"], n_threads=1)
        assert scores.shape == (2, 1)
        assert np.array_equal(scores, llamapack.embed(model, ["a b", "c d"], normalize=False, n_threads=1))
        assert not np.allclose(np.abs(scores), 1)


def test_embed_refuses_nothing_empty_and_too_long_texts(model: llamapack.Model) -> None:
    for texts in ([], ["a", ""]):
        with pytest.raises(InputError, match=r"^There is no text to embed, or one is empty\."):
            llamapack.embed(model, texts, n_threads=1)
    with pytest.raises(PromptTooLongError, match=r"does not fit n_ctx=256\."):
        llamapack.embed(model, "word " * 400, n_ctx=256)


@pytest.fixture(scope="module")
def tiny(tiny: Path) -> Iterator[llamapack.Model]:
    """A small model with a vocabulary, in which each letter is a token."""
    with llamapack.Model(tiny) as model:
        assert len(model.vocab.tokenize("x" * 30)) == 30
        yield model


@pytest.mark.parametrize("longest", [1, 2, 255, 256, 257, 511, 512, 513, 601])
def test_no_count_or_length_of_texts_is_refused(tiny: llamapack.Model, longest: int) -> None:
    """Sizes that llamapack chooses by itself are its own affair."""
    alone = llamapack.embed(tiny, "x" * longest, pooling="mean", n_threads=1)
    for count in (2, 3, 5, 31, 32, 33):
        rows = llamapack.embed(tiny, ["x" * longest, *["y"] * (count - 1)], pooling="mean", n_threads=1)
        assert rows.shape == (count, tiny.n_embd_out)
        assert np.allclose(rows[0], alone, atol=0.02)


@pytest.mark.parametrize("n_ctx", [3, 7, 31, 257])
def test_n_ctx_may_be_smaller_than_what_all_texts_need(tiny: llamapack.Model, n_ctx: int) -> None:
    texts = ["x", "y", "x y"]
    one_by_one = [llamapack.embed(tiny, text, pooling="mean", n_threads=1) for text in texts]
    together = llamapack.embed(tiny, texts * 12, pooling="mean", n_ctx=n_ctx, n_threads=1)
    assert np.allclose(together, one_by_one * 12, atol=0.02)


@pytest.mark.parametrize("n_seq_max", [2, 3, 7, 100])
@pytest.mark.parametrize("n_batch", [100, 101, 511, 601])
def test_a_batch_size_is_shared_by_any_number_of_sequences(made: Made, n_batch: int, n_seq_max: int) -> None:
    options: dict[str, Any] = {"n_batch": n_batch, "n_seq_max": n_seq_max, "n_outputs_max": n_batch, "n_threads": 1}
    with llamapack.Context(made("llama"), n_ctx=1024, embeddings=True, pooling="mean", **options) as place:
        assert n_batch <= place.n_batch < n_batch + n_seq_max
        assert place.n_seq_max >= n_seq_max
