"""Read what is typed without prompt_toolkit, or lines of standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

PROMPT = "> "
MORE = ". "


class TypedInput:
    """Reads lines that are typed, by `input`, with what editing Python's own readline offers."""

    def attended(self) -> AbstractContextManager[None]:
        """Leave the terminal as it is: `input` needs it so."""
        return nullcontext()

    def read(self, status: Sequence[str]) -> str:
        """Return what was typed; a line that ends with a backslash goes on. Raises EOFError and KeyboardInterrupt."""
        try:
            return joined(lambda first: input(PROMPT if first else MORE))
        except (EOFError, KeyboardInterrupt):
            print()  # what comes next stands on a line of its own
            raise


class PipedInput:
    """Reads messages from standard input: each line is one, or all of it."""

    def __init__(self, stream: TextIO, *, whole: bool) -> None:
        """Read `stream`; with `whole`, all of it is one message."""
        self._stream = stream
        self._whole = whole

    def attended(self) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def read(self, status: Sequence[str]) -> str:
        """Return the next message. Raises EOFError at the end."""
        if not self._whole:
            return joined(lambda _first: self._line())
        text = self._stream.read()
        if not text:
            raise EOFError
        return text

    def _line(self) -> str:
        line = self._stream.readline()
        if not line:
            raise EOFError
        return line.removesuffix("\n").removesuffix("\r")


def joined(read: Callable[[bool], str]) -> str:
    """Return a line, and those after it while they end with a backslash; `read` is told whether it is the first."""
    lines = [read(True)]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        try:
            lines.append(read(False))
        except EOFError:
            break
    return "\n".join(lines)


def standard_input() -> TextIO | None:
    """Return standard input, with any byte in it, and no mark at its beginning; None if it is closed."""
    if sys.stdin is not None:
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")  # type: ignore[union-attr]
    return sys.stdin
