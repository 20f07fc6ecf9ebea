"""Emulated processors get libraries that choose by the processor, whatever the caller chose for its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.hostile import runs

MULTIPLY = "import numpy; print(int((numpy.full((33, 33), 2.0) @ numpy.full((33, 33), 3.0)).sum()))"


def test_numpy_computes_on_an_older_processor(emulator: Path) -> None:
    words: list[str | Path] = [emulator, "-cpu", "Nehalem", sys.executable, "-c", MULTIPLY]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stdout) == (0, f"{33 * 33 * 33 * 6}\n"), done.stderr


def test_it_does_whatever_is_inherited(tmp_path: Path) -> None:
    tests = [f"tests/platforms/emulation/test_inherited.py::{test_numpy_computes_on_an_older_processor.__name__}"]
    runs.assert_tests_pass(tests, 1, tmp_path, *runs.INSTALLED)
