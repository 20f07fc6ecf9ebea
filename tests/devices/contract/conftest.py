"""The installed plug-in that these tests hold to the contract: named by a session such as `nox -s test-vulkan`."""

from __future__ import annotations

import os
from pathlib import Path

import llamapack
import pytest

from tests.support.given import given, given_path

SESSION = "nox -s test-vulkan, or the session of another backend"


@pytest.fixture(scope="session")
def backend() -> str:
    """The backend's name."""
    return given("LLAMAPACK_TEST_BACKEND", SESSION)


@pytest.fixture(scope="session")
def device() -> None:
    """Skip what needs a device where the session found none."""
    if reason := os.environ.get("LLAMAPACK_TEST_NO_DEVICE"):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def model_path() -> Path:
    """A small chat model."""
    return given_path("LLAMAPACK_TEST_MODEL", SESSION)


@pytest.fixture(scope="session")
def package(backend: str) -> Path:
    """The plug-in's installed package, beside the core's."""
    return Path(llamapack.__file__).parent.parent / f"llamapack_{backend}"
