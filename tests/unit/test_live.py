"""A program's output goes to standard error as it comes, and a failure is explained."""

from __future__ import annotations

import shlex
import sys

import pytest

from tools.errors import ToolError
from tools.live import run_live


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
