"""The finished wheel that these tests look into, named by the Nox session."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest


def given(variable: str) -> Path:
    """Return the file that the session names in `variable`."""
    if not (value := os.environ.get(variable)):
        pytest.fail(f"{variable} is not set. These tests look into a finished wheel: run them with nox -s packaging")
    return Path(value)


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The core wheel."""
    return given("LLAMAPACK_TEST_WHEEL")


@pytest.fixture(scope="session")
def model() -> Path:
    """A small chat model."""
    return given("LLAMAPACK_TEST_MODEL")


@pytest.fixture(scope="session")
def rebuilt() -> Path:
    """A core of another ABI: with another layout of ggml's structures, and one CPU level of one's own flags."""
    return given("LLAMAPACK_TEST_REBUILT")


@pytest.fixture(scope="session")
def contents(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def libraries(contents: Path) -> Path:
    """The folder of native libraries."""
    return contents / "llamapack" / "lib"


@pytest.fixture(scope="session")
def abi_id(libraries: Path) -> str:
    """The ABI id that the wheel states."""
    return str(json.loads((libraries / "abi.json").read_text(encoding="utf-8"))["abi_id"])
