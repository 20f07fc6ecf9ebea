"""Answers in the form of a type or a schema: what is finished is valid, or what it breaks was named before.

jsonschema is the judge. A tiny model with random weights writes what a grammar lets it, and a real one what is likely.
The Nox session `answers` lets both write all of it, with several seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from llamapack import Llama

from tests.support.grammars.random_schemas import random_schema
from tests.support.llama.extent import EXTENT, WHOLE
from tests.support.llama.judging import Verdict, answer_of_model, answer_of_schema
from tests.support.llama.models import MODELS

T = TypeVar("T")

SEEDS = range(1, 1 + EXTENT)
EVERY = 1 if WHOLE else 5  # a real model is asked for one in so many models, and for one in its square of schemas
TOKENS = 120 if WHOLE else 24
SCHEMAS = 300
AT_ONCE = 8
# pydantic asks more of them than the schemas say that it writes
SAYS_LESS = {"decimal", "decimal with places"}


@pytest.fixture(scope="module")
def tiny(tiny: Path, open_llama: Callable[..., Llama]) -> Iterator[Llama]:
    with open_llama(tiny, override_kv="llama.context_length=int:4096", ctx_size=512 * AT_ONCE, parallel=AT_ONCE) as llm:
        yield llm


@pytest.fixture(scope="module")
def real(model_path: Path, open_llama: Callable[..., Llama]) -> Iterator[Llama]:
    with open_llama(model_path, ctx_size=512 * AT_ONCE, parallel=AT_ONCE) as llm:
        yield llm


def options(llm: Llama, seed: int, max_tokens: int) -> dict[str, Any]:
    """Return options with which answers come to an end: what closes texts, lists and objects is likelier."""
    closing = {tokens[0]: 4.0 for each in '"}],' if len(tokens := llm.tokenize(each)) == 1}
    assert len(closing) == 4
    return {"seed": seed, "max_tokens": max_tokens, "logit_bias": closing}


def at_once(ask: Callable[[T], Verdict], things: list[T]) -> dict[T, Verdict]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(things, pool.map(ask, things), strict=True))


def count_of_models(llm: Llama, names: list[str], **more: Any) -> Counter[str]:
    verdicts = at_once(lambda name: answer_of_model(llm, MODELS[name], **more), names)
    assert {name for name, verdict in verdicts.items() if verdict == "beyond"} <= SAYS_LESS
    return Counter(verdicts.values())


def count_of_schemas(llm: Llama, numbers: list[int], **more: Any) -> Counter[str]:
    # one after the other: what is caught of warnings is of the whole process
    return Counter(answer_of_schema(llm, random_schema(number), **more) for number in numbers)


def test_there_are_60_models() -> None:
    assert len({str(model.model_json_schema()) for model in MODELS.values()}) == 60


@pytest.mark.parametrize("seed", SEEDS)
def test_objects_of_random_answers_are_valid(tiny: Llama, seed: int) -> None:
    found = count_of_models(tiny, list(MODELS), **options(tiny, seed, 200))
    assert found["valid"] >= 40, found
    assert found["told"] >= 1, found


@pytest.mark.parametrize("seed", SEEDS)
def test_random_answers_are_valid(tiny: Llama, seed: int) -> None:
    found = count_of_schemas(tiny, list(range(SCHEMAS)), **options(tiny, seed, 200))
    assert found["valid"] >= 150, found
    assert found["told"] >= 5, found


@pytest.mark.parametrize("seed", SEEDS)
def test_objects_of_a_real_models_answers_are_valid(real: Llama, seed: int) -> None:
    names = list(MODELS)[::EVERY]
    found = count_of_models(real, names, **options(real, seed, TOKENS))
    assert found["valid"] >= len(names) // 4, found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_real_models_answers_are_valid(real: Llama, seed: int) -> None:
    numbers = list(range(0, SCHEMAS, EVERY * EVERY))
    found = count_of_schemas(real, numbers, **options(real, seed, TOKENS))
    assert found["valid"] >= len(numbers) // 4, found
