"""Run a program, or tests, in the worst environment that they can inherit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.hostile.worst import LAUNCH, VARIABLES
from tools.paths import ROOT

INSTALLED = ("--override-ini", "pythonpath=.")
"""Pytest's options where the tests are of an installed package, and not of the sources."""


def run(command: Sequence[str | Path], python_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the hostile environment, with PYTHONPATH set to `python_path`, whose modules fail on import."""
    for module in ("llamapack", "numpy", "tools", "tests"):
        (python_path / f"{module}.py").write_text("raise ImportError(__file__)\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-I", "-c", LAUNCH, *map(str, command)],
        env={**os.environ, **VARIABLES, "PYTHONPATH": str(python_path), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def assert_tests_pass(tests: Sequence[str], count: int, python_path: Path, *options: str) -> None:
    """Run `tests`, named from the root of the checkout, in a hostile process: exactly `count` must pass."""
    settings: list[str | Path] = ["--config-file", ROOT / "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider"]
    command: list[str | Path] = ["-m", "pytest", "-q", *settings, *options, *(str(ROOT / test) for test in tests)]
    done = run([sys.executable, *command], python_path)
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    assert re.findall(r"^(?:=+ )?(\d+ passed)(?: in .*)?$", done.stdout, re.MULTILINE) == [f"{count} passed"], said
