"""Run programs for Windows under Wine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tools.emulation import find_emulator, how_to_get


def wine() -> str:
    """Return Wine's program; skip the test where there is none."""
    if not (found := find_emulator("wine")):
        pytest.skip(how_to_get("wine"))
    return str(found)


def windows_path(path: Path) -> str:
    """Spell a path as Wine's programs do."""
    return "Z:" + str(path).replace("/", "\\")


def run_in_wine(command: list[str], prefix: Path, cwd: Path, **variables: str) -> str:
    """Run `command` with the Windows that Wine keeps in `prefix`, and return what it says; it must succeed."""
    env = {**os.environ, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout.decode("utf-8").strip()
