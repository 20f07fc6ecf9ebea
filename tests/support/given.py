"""What a Nox session tells the tests that it runs, in variables that begin with LLAMAPACK_TEST_."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def given(variable: str, session: str) -> str:
    """Return what the session says in `variable`; without it, the tests end with the command that runs them."""
    if not (value := os.environ.get(variable)):
        raise pytest.UsageError(f"{variable} is not set.\nRun: {session}")
    return value


def given_path(variable: str, session: str) -> Path:
    """Return the file or folder that the session names in `variable`."""
    return Path(given(variable, session))
