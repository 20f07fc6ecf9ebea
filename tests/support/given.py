"""Paths and other values that a Nox session passes to tests, in variables that begin with LLAMAPACK_TEST_."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def given(variable: str, session: str) -> str:
    """Return the value of `variable`; if it is missing, end the tests with the command that runs them."""
    if not (value := os.environ.get(variable)):
        raise pytest.UsageError(f"{variable} is not set.\nRun: {session}")
    return value


def given_path(variable: str, session: str) -> Path:
    """Return the file or folder in `variable`; if it is missing, end the tests with the command that runs them."""
    return Path(given(variable, session))
