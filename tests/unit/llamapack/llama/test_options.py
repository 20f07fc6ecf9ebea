"""What a request says of the choice of tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from llamapack.errors import InputError
from llamapack.llama.plans.options import AskOptions, check, to_body

from tests.support.llama.fake_engine import core

FACTS = replace(core()[0].facts, greedy_samplers=("penalties", "dry"))
LIKELIEST = {"samplers": ["penalties", "dry", "top_k"], "top_k": 1, "min_keep": 0}


def body(**options: Any) -> dict[str, Any]:
    return to_body(options, FACTS, chat=True)


@pytest.mark.parametrize("more", [{}, {"top_k": 3}, {"min_keep": 2}, {"repeat_penalty": 1.1}, {"logit_bias": {1: 2.0}}])
def test_at_a_temperature_of_0_no_tokens_are_sorted(more: dict[str, Any]) -> None:
    found = body(temperature=0, seed=3, **more)
    assert {name: found[name] for name in LIKELIEST} == LIKELIEST
    assert (found["temperature"], found["seed"]) == (0, 3)
    assert "repeat_penalty" not in more or found["repeat_penalty"] == 1.1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.1},
        {"temperature": 0, "typical_p": 0.5},
        {"temperature": 0, "xtc_probability": 0.5},
        {"temperature": 0, "dynatemp_range": 0.5},
        {"temperature": 0, "mirostat": 1},
        {"temperature": 0, "samplers": ["top_p"]},
    ],
)
def test_what_may_choose_another_token_is_sent_as_it_is(options: dict[str, Any]) -> None:
    assert body(**options) == options


def test_an_engine_with_other_samplers_keeps_them() -> None:
    assert to_body({"temperature": 0}, replace(FACTS, greedy_samplers=None), chat=True) == {"temperature": 0}


def test_options_that_were_checked_do_not_pass_for_equal_ones_of_another_type() -> None:
    check("f", {"top_k": 1, "logit_bias": {1: 1.0}}, AskOptions)
    for _ in range(2):
        with pytest.raises(InputError, match="top_k must be"):
            check("f", {"top_k": True}, AskOptions)
