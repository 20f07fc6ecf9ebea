"""PyInstaller packs a program with llamapack: the hook in the wheel names what belongs to it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.environments import PIP, clean_environment, run_clean
from tools.paths import REQUIREMENTS

PROGRAM = """
import sys
import llamapack
with llamapack.Model(sys.argv[1]) as model:
    text = "".join(llamapack.generate(model, "The capital of France is", max_tokens=8, temperature=0, n_threads=1))
print(getattr(sys, "frozen", False), "Paris" in text)
"""
PACKER = ("--no-deps", "--require-hashes", "--requirement", REQUIREMENTS / "pyinstaller.txt")


def test_a_packed_program_generates(wheel: Path, model: Path, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path / "env")
    run_clean(environment.python, *PIP, *PACKER, cwd=tmp_path)
    run_clean(environment.python, *PIP, "--no-deps", "--no-index", wheel, cwd=tmp_path)
    (tmp_path / "ask.py").write_text(PROGRAM, encoding="utf-8")
    options = ["--noconfirm", "--onedir", "--distpath", tmp_path / "packed", "--workpath", tmp_path / "work"]
    run_clean(environment.python, "-m", "PyInstaller", "--log-level", "WARN", *options, "ask.py", cwd=tmp_path)
    packed = tmp_path / "packed" / "ask" / ("ask.exe" if sys.platform == "win32" else "ask")
    assert run_clean(packed, model, cwd=tmp_path).splitlines() == ["True True"]
