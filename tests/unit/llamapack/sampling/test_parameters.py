"""Which stages the parameters make, and which numbers they take; without the library."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import pytest
from llamapack.errors import InputError
from llamapack.sampling import (
    AdaptiveP,
    Dist,
    Dry,
    DynamicTemperature,
    Greedy,
    LogitBias,
    MinP,
    Mirostat,
    MirostatV2,
    Penalties,
    SamplingParameters,
    Temperature,
    TopK,
    TopNSigma,
    TopP,
    Typical,
    Xtc,
)
from llamapack.sampling.parameters import SamplingOptions


def test_defaults_are_upstreams() -> None:
    assert SamplingParameters().stages() == (TopK(40), TopP(0.95), MinP(0.05), Temperature(0.8), Dist())


def test_everything_comes_in_upstreams_order() -> None:
    stages = SamplingParameters(
        logit_bias={5: -1.0},
        repeat_penalty=1.1,
        frequency_penalty=0.2,
        presence_penalty=0.3,
        repeat_last_n=32,
        dry_multiplier=0.8,
        dry_base=1.5,
        dry_allowed_length=3,
        dry_penalty_last_n=128,
        dry_sequence_breakers=["\n"],
        top_n_sigma=1.5,
        top_k=20,
        typical_p=0.9,
        top_p=0.8,
        min_p=0.1,
        min_keep=2,
        xtc_probability=0.5,
        xtc_threshold=0.2,
        temperature=1.2,
        dynatemp_range=0.4,
        dynatemp_exponent=1.5,
        adaptive_target=0.3,
        adaptive_decay=0.8,
    ).stages()
    assert stages == (
        LogitBias({5: -1.0}),
        Penalties(32, 1.1, 0.2, 0.3),
        Dry(0.8, 1.5, 3, 128, ("\n",)),
        TopNSigma(1.5),
        TopK(20),
        Typical(0.9, 2),
        TopP(0.8, 2),
        MinP(0.1, 2),
        Xtc(0.5, 0.2, 2),
        DynamicTemperature(1.2, 0.4, 1.5),
        AdaptiveP(0.3, 0.8),
    )


def test_what_is_off_makes_no_stage() -> None:
    assert SamplingParameters(top_k=0, top_p=1, min_p=0, temperature=1).stages() == (Dist(),)


def test_mirostat_stands_in_for_what_removes_candidates() -> None:
    first = SamplingParameters(mirostat=1, mirostat_tau=4, mirostat_eta=0.2, repeat_penalty=1.1).stages()
    assert first == (Penalties(64, 1.1), Temperature(0.8), Mirostat(4, 0.2))
    assert SamplingParameters(mirostat=2, temperature=1).stages() == (MirostatV2(5.0, 0.1),)


def test_at_temperature_zero_only_what_can_change_the_likeliest_is_left() -> None:
    assert SamplingParameters(temperature=0).stages() == (Greedy(),)
    assert SamplingParameters(temperature=0, mirostat=2, adaptive_target=0.5).stages() == (Greedy(),)
    assert SamplingParameters(temperature=0, repeat_penalty=1.2).stages() == (Penalties(64, 1.2), Greedy())
    with_xtc = SamplingParameters(temperature=0, xtc_probability=1.0).stages()
    assert with_xtc == (TopK(40), TopP(0.95), MinP(0.05), Xtc(1.0), Greedy())
    assert SamplingParameters(temperature=0, dynatemp_range=0.5).stages()[-2:] == (DynamicTemperature(0, 0.5), Dist())


def test_parameters_and_keyword_arguments_are_the_same() -> None:
    assert list(SamplingOptions.__annotations__) == [field.name for field in fields(SamplingParameters)]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("temperature", -1.0, "temperature must be 0 or more, not -1.0."),
        ("temperature", math.nan, "temperature must be 0 or more, not nan."),
        ("temperature", math.inf, "temperature must be 0 or more, not inf."),
        ("temperature", 1e-9, "temperature must be 0, or between 1e-06 and 1e+06, not 1e-09."),
        ("temperature", "hot", "temperature must be 0 or more, not 'hot'."),
        ("top_k", -1, "top_k must be a whole number from 0 (all tokens) to 2147483647, not -1."),
        ("top_k", 1.5, "top_k must be a whole number from 0 (all tokens) to 2147483647, not 1.5."),
        ("top_k", 2**31, "top_k must be a whole number from 0 (all tokens) to 2147483647, not 2147483648."),
        ("top_p", 1.5, "top_p must be between 0 and 1, not 1.5."),
        ("top_p", None, "top_p must be between 0 and 1, not None."),
        ("top_p", True, "top_p must be between 0 and 1, not True."),
        ("min_p", -0.1, "min_p must be between 0 and 1, not -0.1."),
        ("typical_p", 1.1, "typical_p must be between 0 and 1, not 1.1."),
        ("top_n_sigma", -1, "top_n_sigma must be between 0 and 1e+06, not -1."),
        ("min_keep", -1, "min_keep must be a whole number from 0 to 2147483647, not -1."),
        ("dynatemp_range", -1, "dynatemp_range must be between 0 and 1e+06, not -1."),
        ("xtc_probability", 2, "xtc_probability must be between 0 and 1, not 2."),
        ("xtc_threshold", -1, "xtc_threshold must be between 0 and 1, not -1."),
        ("repeat_penalty", 0, "repeat_penalty must be between 0.01 and 100, not 0."),
        ("repeat_penalty", math.nan, "repeat_penalty must be between 0.01 and 100, not nan."),
        ("frequency_penalty", math.inf, "frequency_penalty must be between -1000 and 1000, not inf."),
        ("presence_penalty", 1e9, "presence_penalty must be between -1000 and 1000, not 1000000000.0."),
        ("repeat_last_n", -1, "repeat_last_n must be a whole number from 0 to 16777216, not -1."),
        ("repeat_last_n", 2**31 - 1, "repeat_last_n must be a whole number from 0 to 16777216, not 2147483647."),
        ("dry_multiplier", -1, "dry_multiplier must be between 0 and 1000, not -1."),
        ("dry_base", 0.5, "dry_base must be between 1 and 100, not 0.5."),
        ("dry_allowed_length", -1, "dry_allowed_length must be a whole number from 0 to 2147483647, not -1."),
        ("dry_penalty_last_n", 2**25, "dry_penalty_last_n must be a whole number from 0 to 16777216, not 33554432."),
        ("dry_sequence_breakers", [""], "A DRY sequence breaker must have 1 to 40 bytes and no NUL, not ''."),
        ("dry_sequence_breakers", ["a\0"], "A DRY sequence breaker must have 1 to 40 bytes and no NUL, not 'a\\x00'."),
        ("mirostat", 3, "mirostat must be a whole number from 0 to 2, not 3."),
        ("mirostat_tau", -1, "mirostat_tau must be between 0 and 1000, not -1."),
        ("mirostat_eta", 2, "mirostat_eta must be between 0 and 1, not 2."),
        ("adaptive_target", 1.5, "adaptive_target must be between 0 and 1, not 1.5."),
        ("adaptive_decay", 1.0, "adaptive_decay must be between 0 and 0.99, not 1.0."),
        ("logit_bias", {-1: 1.0}, "A token of logit_bias must be a whole number from 0 to 2147483647, not -1."),
        ("logit_bias", {1: math.inf}, "The bias of token 1 must be between -1e+06 and 1e+06, or -inf, not inf."),
        ("logit_bias", {1: math.nan}, "The bias of token 1 must be between -1e+06 and 1e+06, or -inf, not nan."),
        ("seed", -1, "seed must be a whole number from 0 to 4294967294, or None, not -1."),
        ("seed", 2**32 - 1, "seed must be a whole number from 0 to 4294967294, or None, not 4294967295."),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        SamplingParameters(**{name: value}).stages()
    assert str(caught.value) == message


def test_dry_breakers_may_have_forty_bytes() -> None:
    assert Dry(0.8, breakers=("ä" * 20,)).breakers == ("ä" * 20,)
    with pytest.raises(InputError, match="must have 1 to 40 bytes"):
        Dry(0.8, breakers=("ä" * 21,))


def test_a_stage_cannot_be_changed_through_what_it_was_made_from() -> None:
    biases = {1: 2.0}
    stage = LogitBias(biases)
    biases[1] = 5.0
    assert stage == LogitBias({1: 2.0})
    assert hash(stage) == hash(LogitBias({1: 2.0}))
