"""The finished wheel that these tests look into, named by the Nox session."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.support.given import given_path

SESSION = "nox -s packaging"


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The core wheel."""
    return given_path("LLAMAPACK_TEST_WHEEL", SESSION)


@pytest.fixture(scope="session")
def model() -> Path:
    """A small chat model."""
    return given_path("LLAMAPACK_TEST_MODEL", SESSION)


@pytest.fixture(scope="session")
def rebuilt() -> Path:
    """A core of another ABI: with another layout of ggml's structures, and one CPU level of one's own flags."""
    return given_path("LLAMAPACK_TEST_REBUILT", SESSION)


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
