"""What llama.cpp ends the process for is an error here, before the call."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.assert_cases import CASES
from tools.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="how a process died is told by its signal")


def run(name: str, side: str, model: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tests.support.assert_cases", name, side, str(model)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("name", CASES)
def test_what_upstream_dies_of_is_an_error_here(name: str, made_path: Callable[[str], Path]) -> None:
    case = CASES[name]
    model = made_path(case.kind)
    unchecked, checked = run(name, "native", model), run(name, "objects", model)
    assert unchecked.returncode < 0, f"llama.cpp does not die of it any more: {unchecked.stdout}"
    error, *_, last = checked.stdout.splitlines() or ["", ""]
    assert (checked.returncode, last) == (0, "goes on"), checked.stderr
    assert error.startswith(case.error)
