"""Llamas for all tests that leave them as they found them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llamapack import Llama

from tests.support.llama.templates import CALL, THINKING, TOOLS

SMALL: dict[str, Any] = {"threads": 1, "warmup": False, "batch_size": 256}
ISOLATED = os.environ.get("LLAMAPACK_TEST_ISOLATED") == "1"
"""Whether all models of these tests are in processes of their own: `nox -s test-isolated` wants it so."""


@pytest.fixture(scope="session")
def open_llama() -> Callable[..., Llama]:
    """Load a model with options for busy machines; the test closes it."""

    def load(path: Path, **options: Any) -> Llama:
        return Llama(path, **{"isolate": ISOLATED, **SMALL, **options})

    return load


@pytest.fixture(
    scope="session", params=[True] if ISOLATED else [False, True], ids=lambda isolate: "isolated" if isolate else "here"
)
def llm(request: pytest.FixtureRequest, model_path: Path, open_llama: Callable[..., Llama]) -> Iterator[Llama]:
    """A model in this process and, as a sample for all other tests, in one of its own."""
    with open_llama(model_path, ctx_size=2048, parallel=2, isolate=request.param) as llm:
        yield llm


@pytest.fixture(scope="session")
def with_tools(model_path: Path, open_llama: Callable[..., Llama]) -> Iterator[Llama]:
    with open_llama(model_path, ctx_size=1024, parallel=1, chat_template=TOOLS) as llm:
        yield llm


@pytest.fixture(scope="session")
def calls_tools(with_tools: Llama) -> dict[int, float]:
    """A logit bias that makes the model call a tool at once."""
    (token,) = with_tools.tokenize(CALL, parse_special=True)
    return {token: 100.0}


@pytest.fixture(scope="session")
def thinker(model_path: Path, open_llama: Callable[..., Llama]) -> Iterator[Llama]:
    with open_llama(model_path, ctx_size=1024, parallel=1, chat_template=THINKING) as llm:
        yield llm
