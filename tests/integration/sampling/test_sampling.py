"""Every sampler changes the distribution as defined: computed on given logits, compared with plain numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import llamapack
import numpy as np
import pytest
from llamapack.sampling import (
    AdaptiveP,
    Candidates,
    Dist,
    Dry,
    DynamicTemperature,
    Greedy,
    Infill,
    LogitBias,
    MinP,
    Mirostat,
    MirostatV2,
    Penalties,
    Sampler,
    Stage,
    Temperature,
    TopK,
    TopNSigma,
    TopP,
    Typical,
    Xtc,
)

from tests.support.reference import samplers as reference
from tests.support.reference.samplers import Logits


def logits_like_a_models(count: int = 3000, seed: int = 1) -> Logits:
    """A few likely tokens and a long tail, in no order, exact in 32 bits."""
    random = np.random.default_rng(seed)
    values = random.normal(0.0, 1.5, count)
    values[random.choice(count, 12, replace=False)] = random.uniform(6, 9, 12)
    return values.astype(np.float32).astype(np.float64)


LOGITS = logits_like_a_models()
FEW = logits_like_a_models(count=40, seed=2)


def spread(left: Candidates, count: int) -> Logits:
    """The probabilities by token."""
    result = np.zeros(count)
    result[left.ids] = left.probabilities
    return result


def assert_same(left: Candidates, expected: Logits, *, tolerance: float = 2e-5) -> None:
    ours, theirs = spread(left, len(expected)), reference.probabilities(expected)
    assert set(np.flatnonzero(ours)) == set(np.flatnonzero(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=tolerance * 50, atol=tolerance)


def defined(stage: Stage, logits: Logits) -> Logits:
    """What the definition of `stage` makes of a distribution."""
    match stage:
        case TopK(k):
            return reference.top_k(logits, k)
        case TopP(p, min_keep):
            return reference.top_p(logits, p, min_keep)
        case MinP(p, min_keep):
            return reference.min_p(logits, p, min_keep)
        case Typical(p, min_keep):
            return reference.typical(logits, p, min_keep)
        case TopNSigma(n):
            return reference.top_n_sigma(logits, n)
        case Temperature(temperature):
            return reference.temperature(logits, temperature)
        case DynamicTemperature(temperature, spread, exponent):
            return reference.dynamic_temperature(logits, temperature, spread, exponent)
        case Xtc(_, threshold, min_keep):
            return reference.xtc(logits, threshold, min_keep)
        case LogitBias(biases):
            return reference.logit_bias(logits, biases)
    raise AssertionError(stage)


SHAPING = [
    *(TopK(k) for k in (1, 5, 200, 5000)),
    *(TopP(p) for p in (0.0, 0.3, 0.9, 0.99, 1.0)),
    TopP(0.1, min_keep=7),
    *(MinP(p) for p in (0.0, 0.01, 0.3, 1.0)),
    MinP(0.9, min_keep=7),
    *(Typical(p) for p in (0.1, 0.5, 0.9)),
    Typical(0.01, min_keep=7),
    *(TopNSigma(n) for n in (0.5, 1.0, 3.0)),
    *(Temperature(t) for t in (0, 0.3, 1.0, 1.7, 20)),
    DynamicTemperature(0.8, 0.5),
    DynamicTemperature(0.8, 0.5, 2.5),
    DynamicTemperature(0.5, 2.0),
    *(Xtc(1.0, threshold) for threshold in (0.0, 0.05, 0.1, 0.13, 0.6)),
    *(Xtc(1.0, 0.05, min_keep) for min_keep in (2994, 2995)),  # 7 tokens have 0.05 or more, so 2994 are left
    LogitBias({3: 2.5, 4: -1.0, 5: -math.inf}),
]
OFF = [TopK(0), TopNSigma(0), Xtc(0.0, 0.05), DynamicTemperature(1.0, 0), Penalties(0, repeat=1.3)]


@pytest.mark.parametrize("stage", SHAPING, ids=repr)
def test_stage_changes_the_distribution_as_defined(stage: Stage) -> None:
    with Sampler.chain([stage], seed=1) as sampler:
        assert_same(sampler.apply(LOGITS), defined(stage, LOGITS))


@pytest.mark.parametrize("stage", OFF, ids=repr)
def test_stage_that_is_off_changes_nothing(stage: Stage) -> None:
    with Sampler.chain([stage], seed=1) as sampler:
        sampler.accept(int(LOGITS.argmax()))
        assert_same(sampler.apply(LOGITS), LOGITS)


@pytest.mark.parametrize(
    "stages",
    [
        (TopK(40), TopP(0.95), MinP(0.05), Temperature(0.8)),
        (TopNSigma(2.0), TopK(50), Typical(0.9), Temperature(1.5)),
        (Temperature(1.5), MinP(0.02), TopP(0.8)),
        (LogitBias({7: -math.inf}), TopNSigma(1.0), Typical(0.7), TopP(0.9)),
        (TopK(30), LogitBias({7: -math.inf, 12: 5.0}), TopP(0.9), DynamicTemperature(1.0, 0.5)),
        (TopK(8), Xtc(1.0, 0.1), Temperature(0.5)),
    ],
    ids=lambda stages: " ".join(type(stage).__name__ for stage in stages),
)
def test_stages_work_on_what_those_before_them_left(stages: Sequence[Stage]) -> None:
    expected = FEW
    for stage in stages:
        expected = defined(stage, expected)
    with Sampler.chain(stages, seed=1) as sampler:
        assert_same(sampler.apply(FEW), expected)


@pytest.mark.parametrize(
    "stage",
    [
        Penalties(64, repeat=1.3),
        Penalties(64, repeat=0.7),
        Penalties(64, frequency=0.5),
        Penalties(64, presence=1.5),
        Penalties(64, repeat=1.2, frequency=-0.3, presence=0.4),
        Penalties(5, repeat=1.3, frequency=0.5),
    ],
    ids=repr,
)
def test_penalties_follow_what_was_accepted(stage: Penalties) -> None:
    history = [3, 3, 9, 1, 3, 9, 25, 3, 7, 9, 9, 2]
    with Sampler.chain([stage]) as sampler:
        for length, token in enumerate(history):
            seen = history[:length]
            expected = reference.penalties(FEW, seen, stage.last_n, stage.repeat, stage.frequency, stage.presence)
            assert_same(sampler.apply(FEW), expected)
            sampler.accept(token)


TEXTS = [
    [5, 6, 7, 8, 5, 6, 7],
    [1, 1, 1, 1, 1],
    [4, 5, 6, 9, 4, 5, 6, 9, 4, 5, 6],
    [2, 3, 2, 3, 2, 3, 2],
    [30, 31, 32, 5, 30, 31, 32, 6, 31, 32],
    [1, 2, 3],
]


@pytest.mark.parametrize("history", TEXTS, ids=str)
@pytest.mark.parametrize(
    ("multiplier", "base", "allowed", "last_n"),
    [
        (0.8, 1.75, 2, 64),
        (2.0, 1.0, 2, 64),
        (0.5, 3.0, 1, 64),
        (0.8, 1.75, 3, 64),
        (0.8, 1.75, 2, 6),
        (0.0, 1.75, 2, 64),
    ],
)
def test_dry_punishes_going_on_with_a_repetition(
    model: llamapack.Model, history: list[int], multiplier: float, base: float, allowed: int, last_n: int
) -> None:
    stage = Dry(multiplier, base, allowed, last_n, breakers=())
    settings = reference.DrySettings(multiplier=multiplier, base=base, allowed_length=allowed, last_n=last_n)
    with Sampler.chain([stage], vocab=model.vocab) as sampler:
        sampler.accept_prompt(history)
        assert_same(sampler.apply(FEW), reference.dry(FEW, history, settings))


def test_dry_looks_no_further_back_than_a_breaker(model: llamapack.Model) -> None:
    newline, *_ = model.vocab.tokenize("\n", add_special=False)
    words = [5, 6, 7, 8]
    history = [*words, newline, *words[:3]]
    settings = reference.DrySettings(
        multiplier=0.8, base=1.75, allowed_length=2, last_n=64, breakers=frozenset({newline})
    )
    logits = logits_like_a_models(count=newline + 10)
    with Sampler.chain([Dry(0.8, breakers=("\n",))], vocab=model.vocab) as sampler:
        sampler.accept_prompt(history)
        expected = reference.dry(logits, history, settings)
        assert_same(sampler.apply(logits), expected)
        assert expected[8] < logits[8]  # it would repeat 5 6 7 8, which is after the breaker
        sampler.accept_prompt([newline, 6])
        assert_same(sampler.apply(logits), reference.dry(logits, [*history, newline, 6], settings))


def test_mirostat_keeps_and_learns_as_defined(model: llamapack.Model) -> None:
    tau, eta, mu = 3.0, 0.2, 6.0
    with Sampler.chain([Mirostat(tau, eta, 100)], vocab=model.vocab, seed=5) as sampler:
        for step in range(30):
            logits = logits_like_a_models(seed=step)
            kept = reference.mirostat_kept(logits, mu, 100, len(model.vocab))
            left = sampler.apply(logits)
            assert_same(left, kept)
            assert left.selected is not None
            sampler.accept(left.selected)
            mu = reference.mirostat_learned(mu, kept, left.selected, tau, eta)


def test_mirostat_2_keeps_and_learns_as_defined() -> None:
    tau, eta, mu = 2.0, 0.3, 4.0
    sizes = set()
    with Sampler.chain([MirostatV2(tau, eta)], seed=5) as sampler:
        for step in range(30):
            logits = logits_like_a_models(seed=step)
            kept = reference.mirostat_v2_kept(logits, mu)
            left = sampler.apply(logits)
            assert_same(left, kept)
            assert left.selected is not None
            sizes.add(len(left))
            mu = reference.mirostat_learned(mu, kept, left.selected, tau, eta)
    assert len(sizes) > 3


def test_adaptive_p_aims_at_its_target_and_corrects_itself() -> None:
    target, decay = 0.3, 0.8
    average = reference.Average.begin(target, decay)
    with Sampler.chain([AdaptiveP(target, decay)], seed=5) as sampler:
        for step in range(30):
            logits = logits_like_a_models(count=60, seed=step)
            left = sampler.apply(logits)
            assert_same(left, reference.adaptive_p(logits, target, average))
            assert left.selected is not None
            sampler.accept(left.selected)
            average = average.after(float(reference.probabilities(logits)[left.selected]))


def test_infill_ends_rather_than_guesses(model: llamapack.Model) -> None:
    end = model.vocab.eos
    assert end is not None
    words = [model.vocab.tokenize(word, add_special=False)[0] for word in (" he", " her", " a", " b", " c", " d")]
    for strengths in ([5, 5, 5, 5, 5, 5, 4], [8, 7, 1, 0, 0, 0, -9], [3, 3, 9, 1, 1, 1, -9], [9, 8.5, 8, 1, 1, 1, -4]):
        logits = np.full(len(model.vocab), -np.inf)
        logits[[*words, end]] = strengths
        expected = reference.infill(logits, frozenset({end}), model.vocab.piece)
        with Sampler.chain([TopK(7), Infill()], vocab=model.vocab) as sampler:
            assert_same(sampler.apply(logits), expected)


def test_greedy_takes_the_likeliest_and_of_several_the_first() -> None:
    with Sampler.greedy() as sampler:
        assert sampler.apply(LOGITS).selected == int(LOGITS.argmax())
        assert sampler.apply([0.0, 2.0, 2.0, 1.0]).selected == 1


# The 0.1 % quantile of chi-square from the other side, for 9 degrees of freedom.
CHI_SQUARE_9 = 27.877


@pytest.mark.parametrize("stages", [(Dist(),), (TopK(10), Dist()), (MinP(0.0001), TopK(10), MirostatV2(50.0, 0.0))])
def test_draws_are_distributed_as_the_probabilities(stages: Sequence[Stage]) -> None:
    logits = np.log(np.array([0.02, 0.3, 0.05, 0.08, 0.15, 0.1, 0.04, 0.16, 0.03, 0.07]))
    draws = 20_000
    with Sampler.chain(stages, seed=11) as sampler:
        chosen = [sampler.apply(logits).selected for _ in range(draws)]
    seen = np.bincount(np.array(chosen, dtype=np.int64), minlength=10)
    expected = reference.probabilities(logits) * draws
    assert ((seen - expected) ** 2 / expected).sum() < CHI_SQUARE_9


def test_xtc_happens_as_often_as_it_should() -> None:
    with Sampler.chain([Xtc(0.3, 0.05)], seed=3) as sampler:
        happened = sum(len(sampler.apply(LOGITS)) < len(LOGITS) for _ in range(4000))
    assert abs(happened - 1200) < 4 * math.sqrt(4000 * 0.3 * 0.7)


def test_the_usual_chain_is_the_product_of_its_stages() -> None:
    expected = reference.temperature(reference.min_p(reference.top_p(reference.top_k(LOGITS, 40), 0.95), 0.05), 0.8)
    with Sampler(seed=1) as sampler:
        left = sampler.apply(LOGITS)
        assert_same(left, expected)
        assert left.selected in left.ids


def test_a_dynamic_temperature_near_zero_takes_the_likeliest() -> None:
    logits = np.full(1000, -60.0)
    logits[7] = 40.0
    with Sampler.chain([DynamicTemperature(0.5, 0.5), Greedy()]) as sampler:
        assert sampler.apply(logits).selected == 7
    with Sampler.chain([DynamicTemperature(0.5, 0.5), Dist()], seed=1) as sampler:
        assert {sampler.apply(logits).selected for _ in range(50)} == {7}


def test_typical_is_not_confused_by_hopeless_tokens() -> None:
    logits = np.concatenate([FEW, np.full(500, -500.0)])
    with Sampler.chain([Typical(0.5)]) as sampler:
        assert_same(sampler.apply(logits), reference.typical(np.where(logits < -400, -np.inf, logits), 0.5))
