"""What the emulation tests run on: the installed wheel, a real model, and qemu; Nox names them in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.given import given_path

SESSION = "nox -s emulation"


@pytest.fixture(scope="session")
def model_path() -> Path:
    return given_path("LLAMAPACK_TEST_MODEL", SESSION)


@pytest.fixture(scope="session")
def emulator() -> Path:
    return given_path("LLAMAPACK_TEST_EMULATOR", SESSION)
