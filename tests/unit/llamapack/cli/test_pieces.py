"""Answers on standard output: whole in a pipe, and without what a terminal would obey in a terminal."""

from __future__ import annotations

import io
import sys

import pytest
from llamapack.cli.pieces import print_pieces


class Output(io.StringIO):
    """Standard output that is a terminal, or is not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(("terminal", "expected"), [(True, "a\ufffd[2Jb\n"), (False, "a\x1b[2Jb\n")])
def test_a_terminal_gets_no_characters_that_control_it(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, expected: str
) -> None:
    output = Output(terminal=terminal)
    monkeypatch.setattr(sys, "stdout", output)
    print_pieces(["a\x1b[2J", "b"])
    assert output.getvalue() == expected
