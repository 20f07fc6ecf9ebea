"""The chain itself: its stages, what it remembers, whom it belongs to, and what it refuses."""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Iterator
from pathlib import Path

import llamapack
import numpy as np
import pytest
from llamapack._native.library import native
from llamapack.errors import ClosedError, InputError, SamplingError, StateError, ThreadError
from llamapack.grammar import Grammar
from llamapack.sampling import (
    AdaptiveP,
    Dist,
    Dry,
    Greedy,
    Infill,
    LogitBias,
    MinP,
    Mirostat,
    MirostatV2,
    Penalties,
    Sampler,
    Temperature,
    TopK,
    TopP,
    Xtc,
)

LOGITS = np.random.default_rng(0).normal(0, 2, 100)


@pytest.fixture(scope="module")
def context(model: llamapack.Model) -> Iterator[llamapack.Context]:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        context.decode(model.vocab.tokenize("The capital of France is"))
        yield context


def test_parameters_make_upstreams_chain(model: llamapack.Model) -> None:
    everything = Sampler(
        model.vocab,
        typical_p=0.9,
        top_n_sigma=2,
        xtc_probability=0.5,
        repeat_penalty=1.1,
        dry_multiplier=0.8,
        dynatemp_range=0.2,
        logit_bias={1: -1},
        grammar='root ::= "a"',
        seed=1,
    )
    assert everything.names == (
        *("grammar", "logit-bias", "penalties", "dry", "top-n-sigma", "top-k", "typical", "top-p", "min-p", "xtc"),
        *("temp-ext", "dist"),
    )
    assert [*Sampler(seed=1).names] == ["top-k", "top-p", "min-p", "temp", "dist"]
    assert [*Sampler(temperature=0).names] == ["greedy"]
    assert [*Sampler(mirostat=2).names] == ["temp", "mirostat-v2"]
    assert [*Sampler(adaptive_target=0.3, temperature=1).names] == ["top-k", "top-p", "min-p", "adaptive-p"]


def test_stages_are_added_and_removed_anywhere() -> None:
    with Sampler.chain([TopK(5), Dist(seed=1)]) as sampler:
        sampler.add(Temperature(0.5), 1)
        sampler.add(Greedy())
        assert sampler.names == ("top-k", "temp", "dist", "greedy")
        assert sampler.remove(2) == Dist(seed=1)
        assert sampler.stages == (TopK(5), Temperature(0.5), Greedy())
        assert list(sampler.names) == ["top-k", "temp", "greedy"]
        for index in (-1, 3, True):
            with pytest.raises(InputError, match="index must be a whole number from 0 to 2"):
                sampler.remove(index)
        assert len(sampler.apply(LOGITS)) == 5


def test_a_stage_that_does_nothing_is_marked() -> None:
    assert Sampler.chain([TopK(0), TopP(1)]).names == ("?top-k", "?top-p")


@pytest.mark.parametrize("stage", [Dist(), Xtc(0.5, 0.01), Mirostat(), MirostatV2()], ids=repr)
def test_a_copy_goes_on_as_the_original_does(model: llamapack.Model, stage: Dist) -> None:
    with Sampler.chain([Penalties(8, 1.2), stage, Dist()], vocab=model.vocab, seed=4) as first:
        for _ in range(5):
            token = first.apply(LOGITS).selected
            assert token is not None
            first.accept(token)
        with first.copy() as second:
            assert second.stages == first.stages
            drawn = [[sampler.apply(LOGITS).ids.tolist() for _ in range(20)] for sampler in (first, second)]
        assert drawn[0] == drawn[1]


def test_a_copy_is_independent() -> None:
    with Sampler.chain([Penalties(8, presence=50.0), Greedy()]) as first, first.copy() as second:
        token = first.apply(LOGITS).selected
        assert token is not None
        first.accept(token)
        assert first.apply(LOGITS).selected != token
        assert second.apply(LOGITS).selected == token


def test_adaptive_p_is_not_copied_with_a_choice_pending() -> None:
    with Sampler.chain([AdaptiveP(0.3)], seed=1) as sampler:
        token = sampler.apply(LOGITS).selected
        with pytest.raises(StateError, match="cannot be copied between `apply` and `accept`"):
            sampler.copy()
        assert token is not None
        sampler.accept(token)
        sampler.copy().close()


def test_reset_begins_again_with_the_same_random_numbers() -> None:
    def draw(sampler: Sampler) -> list[int | None]:
        tokens = [sampler.apply(LOGITS).selected for _ in range(20)]
        for token in tokens:
            assert token is not None
            sampler.accept(token)
        return tokens

    with Sampler.chain([Penalties(64, 1.5), Xtc(0.5, 0.01), Dist()]) as sampler:
        first, second = draw(sampler), draw(sampler)
        assert first != second
        sampler.reset()
        assert draw(sampler) == first


def test_seeds_are_known_even_when_random() -> None:
    assert (Sampler(seed=5).seed, Sampler.chain([Dist(seed=6)], seed=5).seed, Sampler.greedy().seed) == (5, 6, None)
    seeds = {Sampler().seed for _ in range(4)}
    assert len(seeds) == 4
    again = seeds.pop()
    with Sampler(seed=again) as one, Sampler(seed=again) as other:
        draws = [[sampler.apply(LOGITS).selected for _ in range(50)] for sampler in (one, other)]
    assert draws[0] == draws[1]


def test_candidates_may_be_any_tokens() -> None:
    with Sampler.chain([TopK(2), Greedy()]) as sampler:
        left = sampler.apply([1.0, 3.0, 2.0], ids=[70, 10, 40])
    assert (left.ids.tolist(), left.selected, len(left)) == ([10, 40], 10, 2)
    np.testing.assert_allclose(left.probabilities, [0.7310585786, 0.2689414214])


@pytest.mark.parametrize(
    ("logits", "ids", "message"),
    [
        ([], None, r"Logits must be a row of numbers, not an array of the shape \(0,\)."),
        ([[1.0]], None, r"Logits must be a row of numbers, not an array of the shape \(1, 1\)."),
        ([1.0, math.nan], None, "A logit is infinite or not a number."),
        ([1.0, math.inf], None, "A logit is infinite or not a number."),
        ([1.0], [1, 2], "There must be one whole number in ids for each of the 1 logits."),
        ([1.0], [1.5], "There must be one whole number in ids for each of the 1 logits."),
        ([1.0, 2.0], [3, 3], "Each token must be in ids once, and none be negative."),
        ([1.0], [-1], "Each token must be in ids once, and none be negative."),
    ],
)
def test_candidates_that_make_no_sense_are_refused(logits: object, ids: object, message: str) -> None:
    with Sampler.greedy() as sampler, pytest.raises(InputError, match=f"^{message}"):
        sampler.apply(logits, ids)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "stages",
    [[Greedy()], [Dist()], [TopP(0.9), Dist()], [MinP(0.1), MirostatV2()], [AdaptiveP(0.2)], [Temperature(0), Dist()]],
    ids=str,
)
def test_no_possible_token_is_an_error_and_the_chain_goes_on(
    context: llamapack.Context, stages: list[llamapack.sampling.Stage]
) -> None:
    size = len(context.model.vocab)
    everything = LogitBias(dict.fromkeys(range(size), -math.inf))
    with Sampler.chain([everything, *stages], vocab=context.model.vocab, seed=1) as sampler:
        with pytest.raises(SamplingError, match=r"^No token can be chosen\.\nno token is left to choose"):
            sampler.sample(context)
        sampler.remove(0)
        assert sampler.sample(context) in range(size)


@pytest.mark.parametrize("number", [math.nan, -math.nan, math.inf])
@pytest.mark.parametrize("stages", [[Greedy()], [TopK(40), Dist()]], ids=str)
def test_logits_that_are_no_numbers_are_an_error(
    model: llamapack.Model, stages: list[llamapack.sampling.Stage], number: float
) -> None:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context, Sampler.chain(stages, seed=1) as sampler:
        context.decode([1])
        native().llama_get_logits_ith(context.handle, -1)[17] = number
        with pytest.raises(SamplingError, match="a logit is infinite or not a number"):
            sampler.sample(context)
        native().llama_get_logits_ith(context.handle, -1)[17] = -math.inf
        assert sampler.sample(context) != 17


def test_the_likeliest_is_found_wherever_it_is(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context, Sampler.greedy() as sampler:
        context.decode([1])
        logits = native().llama_get_logits_ith(context.handle, -1)
        for low, high in ((-3.0, -1.0), (-math.inf, -1e30), (0.0, 1e-30), (-2.0, 5.0)):
            for place in (0, 1, 63, 64, 65, 20_000, 49_151):
                ctypes.memmove(logits, np.full(49_152, low, dtype=np.float32).tobytes(), 4 * 49_152)
                logits[place] = high
                assert sampler.sample(context) == place
                if place < 49_151:
                    logits[place + 1] = high
                    assert sampler.sample(context) == place


def test_a_chain_that_chooses_nothing_is_an_error(context: llamapack.Context) -> None:
    with Sampler.chain([TopK(5)]) as sampler:
        assert sampler.apply(LOGITS).selected is None
        with pytest.raises(SamplingError, match="no stage of the chain chooses a token"):
            sampler.sample(context)


def test_sampling_counts_tokens_and_time(context: llamapack.Context) -> None:
    with Sampler(seed=1) as sampler:
        for _ in range(3):
            sampler.sample(context)
        assert sampler.perf.tokens == 3
        assert 0 < sampler.perf.seconds < 5


def test_greedy_from_a_context_is_the_likeliest_of_its_logits(context: llamapack.Context) -> None:
    text = context.model.vocab.piece(Sampler.greedy().sample(context))
    longer = Sampler.chain([TopK(40), Greedy()]).sample(context)
    assert text == context.model.vocab.piece(longer) == b" Paris"


def test_stages_that_need_the_vocabulary_say_so() -> None:
    for stage in (Dry(0.8), Mirostat(), Grammar('root ::= "a"'), Infill()):
        with pytest.raises(InputError) as caught:
            Sampler.chain([TopK(5), stage, Greedy()])
        assert str(caught.value) == (
            f"{type(stage).__name__} needs the vocabulary.\nGive the sampler one: vocab=model.vocab."
        )


def test_infill_needs_few_candidates(model: llamapack.Model) -> None:
    for stages in ([Infill(), Greedy()], [TopK(0), Infill(), Greedy()]):
        with pytest.raises(InputError, match=r"^Infill needs a TopK before it\."):
            Sampler.chain(stages, vocab=model.vocab)


def test_tokens_outside_the_vocabulary_are_refused(model: llamapack.Model) -> None:
    size = len(model.vocab)
    with Sampler(model.vocab, repeat_penalty=1.1) as sampler:
        for token in (-1, size):
            with pytest.raises(InputError, match=f"There is no token {token}"):
                sampler.accept(token)
            with pytest.raises(InputError, match=f"There is no token {token}"):
                sampler.accept_prompt([1, token])
        with pytest.raises(InputError, match=f"There is no token {size}"):
            sampler.apply([1.0], ids=[size])
    with pytest.raises(InputError, match=f"There is no token {size}"):
        Sampler(model.vocab, logit_bias={size: 1.0})
    with Sampler() as sampler, pytest.raises(InputError, match="A token must be a whole number from 0"):
        sampler.accept(-1)


def test_a_sampler_with_a_vocabulary_is_closed_with_its_model(model_path: Path) -> None:
    model = llamapack.Model(model_path, vocab_only=True)
    bound, free = Sampler(model.vocab, dry_multiplier=0.8), Sampler()
    copy = bound.copy()
    model.close()
    assert (bound.closed, copy.closed, free.closed) == (True, True, False)
    for use in (lambda: bound.accept(1), lambda: copy.apply(LOGITS), bound.reset, bound.copy, lambda: bound.names):
        with pytest.raises(ClosedError, match=r"^This (sampler|model) is closed\."):
            use()
    bound.close()
    free.close()


def test_a_sampler_keeps_its_model_alive(model_path: Path) -> None:
    sampler = Sampler(llamapack.Model(model_path, vocab_only=True).vocab, grammar='root ::= "a"', temperature=0)
    token = sampler.apply(np.zeros(49152)).selected
    assert token is not None
    sampler.accept(token)
    sampler.close()


def test_a_second_thread_is_refused() -> None:
    caught: list[str] = []
    with Sampler() as sampler:

        def intrude() -> None:
            with pytest.raises(ThreadError) as error:
                sampler.accept(1)
            caught.append(str(error.value))

        with sampler._exclusive:
            thread = threading.Thread(target=intrude, name="intruder")
            thread.start()
            thread.join()
    assert caught[0].startswith("The thread 'intruder' cannot use this sampler")
