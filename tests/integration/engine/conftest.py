"""Engines for all tests that leave them as they found them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from llamapack.engine import Engine

from tests.support.engine.requests import PARALLEL
from tests.support.gguf.files import encode, tiny_model


@pytest.fixture(scope="session")
def engine(model_path: Path) -> Iterator[Engine]:
    """A real model. One thread computes: two that wait for each other on a busy machine are slower by far."""
    with Engine(model_path, ctx_size=4096, parallel=PARALLEL, batch_size=256, threads=1, warmup=False) as engine:
        yield engine


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a vocabulary and random weights, which loads and computes in milliseconds."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    path.write_bytes(encode(tiny_model()).data)
    return path


@pytest.fixture(scope="session")
def tiny_engine(tiny: Path) -> Iterator[Engine]:
    with Engine(tiny, ctx_size=256, parallel=PARALLEL, threads=1, warmup=False) as engine:
        yield engine
