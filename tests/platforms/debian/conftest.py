"""What these tests run in, a Debian root with the installed wheel, and a real model; Nox names both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.given import given, given_path
from tools.platforms.distributions import Place

SESSION = "nox -s distributions, or nox -s test-cpu"


@pytest.fixture(scope="session")
def place() -> Place:
    """The root, and its folder with the environment."""
    held = json.loads(given("LLAMAPACK_TEST_PLACE", SESSION))
    emulator = Path(held["emulator"]) if held["emulator"] else None
    return Place(root=Path(held["root"]), own=Path(held["own"]), emulator=emulator)


@pytest.fixture(scope="session")
def model() -> Path:
    """A small chat model."""
    return given_path("LLAMAPACK_TEST_MODEL", SESSION)


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The portable wheel."""
    return given_path("LLAMAPACK_TEST_WHEEL", SESSION)
