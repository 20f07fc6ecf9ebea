"""A program's output goes to standard error as it comes, and a failure is explained."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.util.cmd import run, run_live, run_logged


def test_bytes_go_in_and_come_out_as_they_are() -> None:
    text = "one\r\ntwo\rthree\n" + b"\xff".decode("utf-8", "surrogateescape")
    echo = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    assert run([sys.executable, "-c", echo], stdin=text).stdout == text


def test_output_leaves_standard_output_free(capfd: pytest.CaptureFixture[str]) -> None:
    run_live([sys.executable, "-c", "print('hello')"], what="It failed")
    assert capfd.readouterr() == ("", "hello\n")


def test_failure_names_the_command_and_its_status(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ToolError) as failed:
        run_live([sys.executable, "-c", "raise SystemExit(3)"], what="The wheel could not be built", fix="Mend it.")
    assert failed.value.what == "The wheel could not be built."
    assert failed.value.why.startswith(f"{shlex.quote(sys.executable)} -c ")
    assert failed.value.why.endswith(" ended with status 3; its own messages are above.")
    assert failed.value.fix == "Mend it."


def test_missing_program_is_named() -> None:
    with pytest.raises(ToolError, match=r"^It failed\.\nno-such-program was not found\.$"):
        run_live(["no-such-program"], what="It failed")


BUILD = """
import sys
for step in range(1, 301):
    print(f"[{step}/300] Building {step}")
    print("warning: of no interest", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


def test_a_build_shows_its_steps_and_logs_the_rest(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], said: list[str]
) -> None:
    log = tmp_path / "build" / "a.log"
    run_logged([sys.executable, "-u", "-c", BUILD, "0"], log_file=log, what="It failed")
    assert capfd.readouterr() == ("", "")
    assert said == [f"[{step}/300] Building {step}" for step in range(3, 301, 3)]
    assert log.read_text().count("warning: of no interest") == 300


def test_a_failed_build_shows_the_end_of_its_log(tmp_path: Path, said: list[str]) -> None:
    log = tmp_path / "a.log"
    with pytest.raises(ToolError) as failed:
        run_logged([sys.executable, "-u", "-c", BUILD, "7"], log_file=log, what="It failed", fix="Mend it.")
    assert failed.value.why.endswith(f" ended with status 7; the end of its output is above, all of it in {log}.")
    assert said[-1].splitlines()[-3:] == [
        "warning: of no interest",
        "[300/300] Building 300",
        "warning: of no interest",
    ]


def test_a_missing_builder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^It failed\.\nno-such-program was not found\.$"):
        run_logged(["no-such-program"], log_file=tmp_path / "a.log", what="It failed")
