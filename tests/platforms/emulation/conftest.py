"""What the emulation tests run on: the installed wheel, a real model, and qemu; Nox names them in the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _named(variable: str) -> Path:
    if not (value := os.environ.get(variable)):
        raise pytest.UsageError(f"{variable} is not set.\nRun: nox -s emulation")
    return Path(value)


@pytest.fixture(scope="session")
def model_path() -> Path:
    return _named("LLAMAPACK_TEST_MODEL")


@pytest.fixture(scope="session")
def emulator() -> Path:
    return _named("LLAMAPACK_TEST_EMULATOR")
