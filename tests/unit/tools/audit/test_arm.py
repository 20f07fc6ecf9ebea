"""LLVM's llvm-mc is taken where it is new enough, and asked for otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.audit.arm import Arm

UNAVAILABLE = "llvm-mc 17 or later is not on this machine (Debian: apt install llvm-19)"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_an_older_llvm_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Arm().unavailable() == UNAVAILABLE
    for name, version in (("llvm-mc", "14.0.6"), ("llvm-mc-21", "21.1.0")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '  Debian LLVM version {version}'\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    assert Arm().unavailable() == ""
    (tmp_path / "llvm-mc-21").unlink()
    assert Arm().unavailable() == UNAVAILABLE
