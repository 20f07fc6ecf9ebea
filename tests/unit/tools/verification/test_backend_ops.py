"""Upstream's test of a backend's operations: what its output says, a crash as a result, and the page."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.verification import backend_ops
from tools.verification.backend_ops import Outcome, Program, finished, operations, page, read, run

GREEN, RED, PLAIN = "\x1b[1;32m", "\x1b[1;31m", "\x1b[0m"
OUTPUT = f"""\
Backend 1/2: Vulkan0
  SCALE(type=f32,ne=[10,10]): {GREEN}OK{PLAIN}
  SCALE(type=f32,ne=[1,1]): [SCALE] NMSE = 0.5 > 0.0000001 {RED}FAIL{PLAIN}
  SCALE(type=f32,ne=[2,2]): not supported [Vulkan0]
  SCALE(type=f32,ne=[3,(3)]): {GREEN}OK{PLAIN}
  Backend Vulkan0: {GREEN}OK{PLAIN}
"""
PROGRAM = """\
import os, sys
if "--list-ops" in sys.argv:
    print("GGML operations:\\n  ABORTS\\n  SCALE\\n\\nTotal: 2")
else:
    name = sys.argv[sys.argv.index("-o") + 1]
    with open(os.environ["CALLS"], "a") as file:
        print(" ".join(sys.argv[1:]), file=file)
    print(f"  {name}(n=1): OK")
    if name == "ABORTS":
        print("  ABORTS(n=2):", end=" ", flush=True)
        os.abort()
"""
SCALE = Outcome(operation="SCALE", passed=1, failed=0, unsupported=0)
ABORTS = Outcome(operation="ABORTS", passed=1, failed=0, unsupported=0, end="SIGABRT", last="n=2")
INPUTS = {"wheel": "1"}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    command = (sys.executable, str(tmp_path / "program.py"))
    return Program(command=command, variables={"CALLS": str(tmp_path / "calls")}, device="Vulkan0")


def test_cases_are_counted_by_their_verdict() -> None:
    assert read("SCALE", OUTPUT, "") == Outcome(operation="SCALE", passed=2, failed=1, unsupported=1)


def test_the_case_of_a_crash_is_named() -> None:
    found = read("SCALE", OUTPUT.partition("not supported")[0], "SIGSEGV")
    assert found == Outcome(
        operation="SCALE", passed=1, failed=1, unsupported=0, end="SIGSEGV", last="type=f32,ne=[2,2]"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a process there has no signals")
def test_a_crash_is_a_result_and_not_the_end(program: Program, tmp_path: Path) -> None:
    assert operations(program) == ("ABORTS", "SCALE")
    assert run(program, ["ABORTS", "SCALE"], tmp_path / "results", INPUTS) == (ABORTS, SCALE)
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert calls == ["test -b Vulkan0 -o ABORTS", "test -b Vulkan0 -o SCALE"]


def test_what_is_finished_is_run_again_for_other_wheels_only(program: Program, tmp_path: Path) -> None:
    for inputs, count in ((INPUTS, 1), (INPUTS, 1), ({"wheel": "2"}, 2)):
        assert run(program, ["SCALE"], tmp_path / "results", inputs) == (SCALE,)
        assert len((tmp_path / "calls").read_text(encoding="utf-8").splitlines()) == count
    assert finished(tmp_path / "results", INPUTS) == ()
    held = json.loads((tmp_path / "results" / "SCALE.json").read_text(encoding="utf-8"))
    assert held["inputs"] == {"wheel": "2"}


def test_too_slow_an_operation_is_ended(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text(PROGRAM.replace("os.abort()", "import time; time.sleep(60)"), encoding="utf-8")
    monkeypatch.setattr(backend_ops, "SECONDS", 1)
    (found,) = run(program, ["ABORTS"], tmp_path / "results", INPUTS)
    assert (found.end, found.passed in (0, 1)) == ("out of time", True)


def test_an_unknown_operation_is_refused(program: Program, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as error:
        run(program, ["scale"], tmp_path / "results", INPUTS)
    assert str(error.value) == "test-backend-ops has no scale.\nNames are as in ggml: MUL_MAT, SOFT_MAX."


def test_the_page_has_a_row_for_each_result_and_names_what_was_not_run() -> None:
    failed = replace(SCALE, passed=2000, failed=1, unsupported=3)
    text = page((ABORTS, failed), ("ABORTS", "SCALE", "MUL_MAT"), backend="vulkan", device="lavapipe", commit="abc123")
    assert "on lavapipe" in text
    assert "commit `abc123`" in text
    assert (
        "2 operations: 2,001 cases passed, 1 failed, 3 are not supported; 1 processes did not end by themselves."
        in text
    )
    assert text.splitlines()[-5:] == [
        "| --- | --- | --- | --- | --- |",
        "| `ABORTS` | 1 | 0 | 0 | SIGABRT at `n=2` |",
        "| `SCALE` | 2000 | 1 | 3 |  |",
        "",
        "Not run: `MUL_MAT`.",
    ]
