"""What these tests run in, a Debian root with the installed wheel, and a real model; Nox names both."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tools.platforms.distributions import Place


def given(variable: str) -> str:
    """Return what Nox says in `variable`."""
    if (value := os.environ.get(variable)) is None:
        raise pytest.UsageError(f"{variable} is not set.\nRun: nox -s distributions, or nox -s test-cpu")
    return value


@pytest.fixture(scope="session")
def place() -> Place:
    """The root, and its folder with the environment."""
    held = json.loads(given("LLAMAPACK_TEST_PLACE"))
    emulator = Path(held["emulator"]) if held["emulator"] else None
    return Place(root=Path(held["root"]), own=Path(held["own"]), emulator=emulator)


@pytest.fixture(scope="session")
def model() -> Path:
    """A small chat model."""
    return Path(given("LLAMAPACK_TEST_MODEL"))


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The portable wheel."""
    return Path(given("LLAMAPACK_TEST_WHEEL"))
