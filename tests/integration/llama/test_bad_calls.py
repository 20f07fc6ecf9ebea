"""Values of other types for every option of a call: our error or an answer, and the next call works."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llamapack import Llama
from llamapack.errors import LlamapackError
from llamapack.llama.plans.options import AskOptions

from tests.support.llama.templates import TOOLS

VALUES: tuple[Any, ...] = (
    *("x", "", -1, 0, 2**31, 2**63, 10**400, 1e308, math.nan, math.inf, -math.inf, True, [], {}, [1], (1, 2)),
    *({"a": 1}, {1: 2}, {-1: 1.0}, {"a": "b"}, [None], ["\ud800"], "\ud800", "a\0b", b"x", range(3), object(), len),
)
OTHERS: dict[str, Callable[[Llama, Any], object]] = {
    "the prompt": lambda llm, value: llm(value, max_tokens=1),
    "the content": lambda llm, value: llm([{"role": "user", "content": value}], max_tokens=1),
    "a part of the content": lambda llm, value: llm([{"role": "user", "content": [value]}], max_tokens=1),
    "the role": lambda llm, value: llm([{"role": value, "content": "a"}], max_tokens=1),
    "the type": lambda llm, value: llm("a", returns=value, max_tokens=3),
    "a text": lambda llm, value: llm.complete(value, max_tokens=1),
    "texts around a gap": lambda llm, value: llm.infill(value, value),
    "answers": lambda llm, value: llm.score("a", value),
    "an answer": lambda llm, value: llm.score("a", [value]),
    "adapters": lambda llm, value: llm.score("a", ["b"], lora=value),
    "a text to split": lambda llm, value: llm.tokenize(value),
    "tokens": lambda llm, value: llm.detokenize(value),
    "how many at once": lambda llm, value: list(llm.map(["a"], parallel=value, max_tokens=1)),
    "messages": lambda llm, value: llm.chat(messages=value)("a", max_tokens=1),
}


@pytest.fixture(scope="module")
def tiny(tiny: Path, open_llama: Callable[..., Llama]) -> Iterator[Llama]:
    with open_llama(
        tiny, override_kv="llama.context_length=int:4096", ctx_size=1024, parallel=1, chat_template=TOOLS
    ) as llm:
        yield llm


def hello(name: str) -> str:
    """Greet somebody."""
    return f"Hello {name}"


def refusals(llm: Llama, call: Callable[[Any], object]) -> int:
    """Call with each value, and return how many were refused; other errors than ours come out."""
    refused = 0
    for value in VALUES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                call(value)
            except LlamapackError:
                refused += 1
        assert llm.complete("Hi", max_tokens=1).usage.completion == 1
    return refused


WITH_OTHERS: dict[str, dict[str, Any]] = {
    "on_tool_error": {"tools": [hello]},
    "on_unenforced": {"json_schema": {"type": "null"}},
}
"""Options that count with others only."""


@pytest.mark.parametrize("name", sorted(AskOptions.__optional_keys__))
def test_values_of_options_are_refused_or_taken(tiny: Llama, name: str) -> None:
    more: dict[str, Any] = {"max_tokens": 5, **WITH_OTHERS.get(name, {})}
    assert refusals(tiny, lambda value: tiny("hi", **{**more, name: value})) >= 4


@pytest.mark.parametrize("what", OTHERS)
def test_values_of_arguments_are_refused_or_taken(tiny: Llama, what: str) -> None:
    assert refusals(tiny, lambda value: OTHERS[what](tiny, value)) >= 4


def test_a_sampler_that_there_is_not_is_suggested(tiny: Llama) -> None:
    with pytest.raises(LlamapackError, match=r"there is no sampler `top_kk`: did you mean `top_k`\?"):
        tiny("hi", samplers=["top_kk"])
