"""The installed plug-in that these tests hold to the contract: named by a session such as `nox -s test-vulkan`."""

from __future__ import annotations

import os
from pathlib import Path

import llamapack
import pytest


def _named(variable: str) -> str:
    if not (value := os.environ.get(variable)):
        raise pytest.UsageError(f"{variable} is not set.\nRun: nox -s test-vulkan, or its like")
    return value


@pytest.fixture(scope="session")
def backend() -> str:
    """The backend's name."""
    return _named("LLAMAPACK_TEST_BACKEND")


@pytest.fixture(scope="session")
def device() -> None:
    """Skip what needs a device where the session found none."""
    if reason := os.environ.get("LLAMAPACK_TEST_NO_DEVICE"):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def model_path() -> Path:
    """A small chat model."""
    return Path(_named("LLAMAPACK_TEST_MODEL"))


@pytest.fixture(scope="session")
def package(backend: str) -> Path:
    """The plug-in's installed package, beside the core's."""
    return Path(llamapack.__file__).parent.parent / f"llamapack_{backend}"
