"""Logits equal those of an independent forward pass in numpy, and come as arrays with a stated lifetime.

What is measured for SmolLM2, with weights of Q4_1 as they are: the CPU backend quantizes activations to 8 bits, so the
logits, whose standard deviation is 6, differ by 0.2 on average and 1.3 at most, with a cosine of 0.994 or more; where
another token comes first, the two were 0.3 apart or less. With the same weights in 32 bits, and nothing quantized, they
differ by less than 1e-3.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import llamapack
import numpy as np
import pytest
from llamapack.errors import InputError, StateError

from tests.support.reference.llama import Llama, Result
from tests.support.reference.made_models import add_value, finish
from tests.support.reference.weights import Weights, read_weights
from tests.support.small_contexts import EXACT, TOKENS, Made, context, cosine, distance, logits_of, read_all

TEXTS = (
    "The capital of France is Paris, and the capital of Germany is",
    "def add(a, b):\n    return",
    "1, 1, 2, 3, 5, 8,",
)


@pytest.fixture(scope="module")
def weights(model_path: Path) -> Weights:
    return read_weights(model_path)


@pytest.fixture(scope="module")
def expected(model: llamapack.Model, weights: Weights) -> dict[str, Result]:
    reference = Llama(weights=weights)
    return {text: reference.run(model.vocab.tokenize(text)) for text in TEXTS}


@pytest.fixture(scope="module")
def exact_model(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Iterator[llamapack.Model]:
    """The test model with all its weights in 32 bits, and without its vocabulary's text."""
    path = tmp_path_factory.mktemp("exact") / "f32.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in weights.metadata.items():
        if key.startswith("llama."):
            add_value(writer, key, value)
    writer.add_tokenizer_model("none")
    for name, tensor in weights.tensors.items():
        writer.add_tensor(name, tensor)
    finish(writer)
    with llamapack.Model(path) as model:
        yield model
    path.unlink()


@pytest.mark.parametrize("text", TEXTS)
def test_logits_equal_an_independent_forward_pass(
    model: llamapack.Model, expected: dict[str, Result], text: str
) -> None:
    found, wanted = logits_of(model, model.vocab.tokenize(text)), expected[text].logits
    assert cosine(found, wanted) > 0.99
    assert np.abs(found - wanted).mean() < 0.3
    assert distance(found, wanted) < 1.6
    at_first = np.take_along_axis(wanted, found.argmax(axis=-1)[:, None], axis=-1)[:, 0]
    assert (wanted.max(axis=-1) - at_first).max() < 0.4


@pytest.mark.parametrize("text", TEXTS)
def test_logits_of_exact_weights_are_equal_within_a_thousandth(
    model: llamapack.Model, exact_model: llamapack.Model, expected: dict[str, Result], text: str
) -> None:
    found = logits_of(exact_model, model.vocab.tokenize(text), **EXACT)
    assert distance(found, expected[text].logits) < 1e-3


def test_hidden_states_of_exact_weights_are_equal_within_a_thousandth(
    model: llamapack.Model, exact_model: llamapack.Model, expected: dict[str, Result]
) -> None:
    with context(exact_model, embeddings=True, pooling="none", **EXACT) as place:
        place.decode(model.vocab.tokenize(TEXTS[0]))
        assert distance(place.outputs.embeddings(), expected[TEXTS[0]].hidden) < 1e-3


def test_flash_attention_and_16_bit_caches_change_logits_little(
    model: llamapack.Model, exact_model: llamapack.Model, expected: dict[str, Result]
) -> None:
    found = logits_of(exact_model, model.vocab.tokenize(TEXTS[0]))
    assert 0 < distance(found, expected[TEXTS[0]].logits) < 0.2


def test_one_token_at_a_time_gives_the_logits_of_a_batch(made: Made) -> None:
    model = made("llama")
    whole = logits_of(model, **EXACT)
    with context(model, **EXACT) as place:
        for row, token in zip(whole, TOKENS, strict=True):
            place.decode([token])
            assert distance(place.outputs.logits(), row) < 1e-4


def test_a_token_is_named_by_its_place_in_the_batch(made: Made) -> None:
    model = made("llama")
    every = logits_of(model)
    batch = llamapack.Batch()
    batch.add(TOKENS, outputs=[index in (2, 5, 9) for index in range(10)])
    with context(model) as place:
        place.decode(batch)
        assert place.outputs.indices == (2, 5, 9)
        for row, index in enumerate((2, 5, 9)):
            assert np.array_equal(place.outputs.logits(index), every[index])
            assert np.array_equal(place.outputs.logits(row - 3), every[index])
        assert np.array_equal(place.outputs.logits(None), every[[2, 5, 9]])
        for index in (0, 3, 10, -4):
            with pytest.raises(InputError) as caught:
                place.outputs.logits(index)
            assert caught.value.what == f"The last batch has no output {index}."
            assert caught.value.why == "It has 3, at 2, 5, 9."


def test_the_order_of_outputs_is_that_of_the_batch_whatever_order_it_is_computed_in(made: Made) -> None:
    model = made("mamba")
    with context(model, n_seq_max=2) as place:
        alone = [read_all(place, TOKENS[:3]), read_all(place, TOKENS[3:8], sequence=1)]
        place.clear()
        batch = llamapack.Batch()
        for step in range(3):
            batch.add([TOKENS[step]], sequence=0)
            batch.add([TOKENS[3 + step]], sequence=1)
        batch.add(TOKENS[6:8], sequence=1, outputs="all")
        place.decode(batch)
        found = place.outputs.logits(None)
    wanted = [row for step in range(3) for row in (alone[0][step], alone[1][step])] + [*alone[1][3:]]
    assert distance(found, np.stack(wanted)) < 1e-4


def test_logits_are_a_copy_that_stays(made: Made) -> None:
    with context(made("llama")) as place:
        first = read_all(place, TOKENS[:1])
        kept = first.copy()
        place.decode([7])
        assert np.array_equal(first, kept)
        first += 1


def test_a_view_shows_native_memory_until_the_next_batch(made: Made) -> None:
    with context(made("llama")) as place:
        place.decode([5])
        view, copy = place.outputs.logits(copy=False), place.outputs.logits()
        assert np.array_equal(view, copy)
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1
        place.decode([7])
        assert not np.array_equal(view, copy)
        assert np.array_equal(view, place.outputs.logits())


def test_a_view_outlives_its_context(made: Made) -> None:
    place = context(made("llama"))
    place.decode([5])
    view, copy = place.outputs.logits(copy=False), place.outputs.logits()
    place.close()
    assert place.closed
    with context(made("llama")) as other:
        other.decode([6])
    assert np.array_equal(view, copy)


def test_the_context_is_freed_with_its_last_view(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[str] = []
    place = context(made("llama"))
    place.decode([5])
    views = [place.outputs.logits(copy=False), place.outputs.logits(None, copy=False)[0, 3:]]
    free = place.lifetime._free

    def freeing(pointer: Any) -> None:
        freed.append("context")
        free(pointer)

    monkeypatch.setattr(place.lifetime, "_free", freeing)
    place.close()
    assert freed == []
    views.pop()
    gc.collect()
    assert freed == []
    views.pop()
    gc.collect()
    assert freed == ["context"]


def test_a_batch_that_would_move_a_views_memory_is_refused(made: Made) -> None:
    with context(made("llama")) as place:
        place.decode([5])
        view = place.outputs.logits(copy=False)
        with pytest.raises(StateError, match=r"^This batch has 10 outputs, more than there is memory for"):
            read_all(place)
        del view
        gc.collect()
        assert read_all(place).shape == (10, 96)


def test_there_are_no_logits_before_a_batch_after_clear_or_after_a_failure(made: Made) -> None:
    with context(made("llama")) as place:
        with pytest.raises(StateError, match=r"^There is nothing to sample from\."):
            place.outputs.logits()
        place.decode([5])
        place.clear()
        with pytest.raises(StateError, match=r"^There is nothing to sample from\."):
            place.outputs.logits()
        place.decode([5])
        place.cancel()
        with pytest.raises(llamapack.LlamapackError):
            place.decode([5])
        with pytest.raises(StateError, match=r"^There is nothing to sample from\."):
            place.outputs.logits()


def test_an_encoder_has_no_logits(made: Made) -> None:
    with context(made("bert"), embeddings=True, pooling="none") as place:
        place.decode(TOKENS)
        with pytest.raises(StateError, match=r"^This model gives embeddings and no logits\."):
            place.outputs.logits()


def test_logprobs_are_the_logarithm_of_the_softmax() -> None:
    logits = np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]], dtype=np.float32)
    found = llamapack.logprobs(logits)
    assert found.dtype == np.float32
    wanted = np.log(np.exp([1.0, 2.0, 3.0]) / np.exp([1.0, 2.0, 3.0]).sum())
    assert np.allclose(found[0], wanted, atol=1e-6)
    assert found[1].tolist() == [0.0, -1000.0, -2000.0]


def test_logprobs_of_a_vocabulary_add_up_to_one(model: llamapack.Model) -> None:
    with context(model) as place:
        place.decode(model.vocab.tokenize("Once"))
        assert abs(np.exp(llamapack.logprobs(place.outputs.logits()).astype(np.float64)).sum() - 1) < 1e-6


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"])
def test_every_cache_type_gives_nearly_the_same_logits(made: Made, kind: str) -> None:
    exact = logits_of(made("llama"), type_k="f32", type_v="f32")
    found = logits_of(made("llama"), type_k=kind, type_v=kind)
    assert 0 <= distance(found, exact) < (0.05 if kind in ("f16", "bf16", "q8_0") else 0.8)
    assert cosine(found, exact) > 0.95


def test_embeddings_in_the_place_of_tokens_give_their_logits(made: Made, made_path: Callable[[str], Path]) -> None:
    rows = read_weights(made_path("llama")).tensors["token_embd.weight"][list(TOKENS)]
    batch = llamapack.Batch()
    batch.add_embeddings(rows, outputs="all")
    with context(made("llama"), **EXACT) as place:
        place.decode(batch)
        assert distance(place.outputs.logits(None), logits_of(made("llama"), **EXACT)) < 1e-4
