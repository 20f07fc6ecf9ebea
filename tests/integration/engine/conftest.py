"""Engines for all tests that leave them as they found them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from llamapack.engine import Engine

from tests.support.engine.requests import PARALLEL


@pytest.fixture(scope="session")
def engine(model_path: Path) -> Iterator[Engine]:
    """A real model. One thread computes: two that wait for each other on a busy machine are slower by far."""
    with Engine(model_path, ctx_size=4096, parallel=PARALLEL, batch_size=256, threads=1, warmup=False) as engine:
        yield engine


@pytest.fixture(scope="session")
def tiny_engine(tiny: Path) -> Iterator[Engine]:
    with Engine(tiny, ctx_size=256, parallel=PARALLEL, threads=1, warmup=False) as engine:
        yield engine
