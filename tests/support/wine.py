"""Run programs for Windows under Wine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.platforms.emulators import find_emulator, how_to_get

Run = Callable[..., dict[str, str]]
"""Runs tests/support/programs/native.c with arguments; returns what it said, by name."""


def wine() -> str:
    """Return the path of Wine; skip the test if it is missing."""
    if not (found := find_emulator("wine")):
        pytest.skip(how_to_get("wine"))
    return str(found)


def run_in_wine(command: list[str], prefix: Path, cwd: Path, **variables: str) -> str:
    """Run `command` in the Wine prefix `prefix`, and return its output; it must succeed."""
    done = try_in_wine(command, prefix, cwd, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def try_in_wine(command: list[str], prefix: Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `command` in the Wine prefix `prefix`, and return the completed process with unchanged output."""
    env = {**os.environ, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False, timeout=600)
    said, complained = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(command, done.returncode, said, complained)


def mingw(language: str) -> str:
    """Return Debian's compiler for Windows, `gcc` or `g++`; skip the test if it is missing."""
    for name in (f"x86_64-w64-mingw32-{language}-posix", f"x86_64-w64-mingw32-{language}"):
        if found := shutil.which(name):
            return found
    pytest.skip(
        f"no compiler for Windows (Debian: {language}-mingw-w64-x86-64), and the test compiles a program for it"
    )
