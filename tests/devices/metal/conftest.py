"""The Metal plug-in's wheel that was built without a Mac, and what Apple's tools have made of the same kind."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

LIBRARY = "llamapack_metal/lib/libggml-metal.so"


def _given(variable: str) -> Path:
    if not (found := os.environ.get(variable)):
        pytest.fail(f"{variable} is not set. Run these tests with nox -s test-metal")
    return Path(found)


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The plug-in's wheel."""
    return _given("LLAMAPACK_TEST_METAL_WHEEL")


@pytest.fixture(scope="session")
def library(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plug-in's library."""
    folder = tmp_path_factory.mktemp("metal")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(LIBRARY, folder))


@pytest.fixture(scope="session")
def build() -> Path:
    """CMake's build folder, with all objects and what upstream's build made of the shaders."""
    return _given("LLAMAPACK_TEST_METAL_BUILD")


@pytest.fixture(scope="session")
def from_apple() -> Path:
    """The folder with the wheels of requirements/apple.txt."""
    return _given("LLAMAPACK_TEST_METAL_APPLE")
