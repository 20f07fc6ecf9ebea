"""The last lines of the output, which can still change while an answer is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llamapack.terminal.safe_text import for_encoding

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # terminals that know it show all that is between at once
_BELOW = "\x1b[J"


class LiveRegion:
    """Lines at the end of the output: `show` changes them, and `keep` leaves them above what comes next.

    Only lines that differ are written again. It never covers more than the window, so that nothing of what was kept
    is lost, and nothing of what changes is left in the scrollback.
    """

    def __init__(self, console: Console) -> None:
        """Begin below what `console` has written; its cursor must be at the beginning of a line."""
        self._console = console
        self._lines: list[str] = []

    @contextmanager
    def active(self) -> Iterator[None]:
        """Hide the cursor during the block; what is shown at its end is removed."""
        self._console.file.write(_HIDE)
        self._console.file.flush()
        try:
            yield
        finally:
            self._redraw([])
            self._console.file.write(_SHOW)
            self._console.file.flush()

    def show(self, renderable: RenderableType, most: int | None = None, *, apart: bool = False) -> None:
        """Show something instead of what is shown: its last lines, if there is not room for all, or for `most`.

        With `apart`, an empty line is above it.
        """
        room = max(1, self._console.height - 2)
        lines = self._rendered(renderable, apart)
        self._redraw(lines[-min(room, most or room) :])

    def keep(self, renderable: RenderableType, *, apart: bool = False) -> None:
        """Write something to stay, instead of what is shown; with `apart`, below an empty line."""
        self._redraw(self._rendered(renderable, apart))
        if self._lines:
            self._console.file.write("\n")
            self._console.file.flush()
        self._lines = []

    def _rendered(self, renderable: RenderableType, apart: bool) -> list[str]:
        with self._console.capture() as captured:
            self._console.print(renderable)
        text = for_encoding(captured.get(), self._console.encoding)
        lines = [_shortened(line) for line in text.split("\n")]
        filled = [number for number, line in enumerate(lines) if line]
        within = lines[filled[0] : filled[-1] + 1] if filled else [""]
        return ["", *within] if apart else within

    def _redraw(self, lines: list[str]) -> None:
        if lines == self._lines:
            return
        same = _in_common(self._lines, lines)
        above = sum(map(self._rows, self._lines[same:])) - 1
        parts = [_BEGIN, "\r"]
        if same < len(self._lines):
            parts += [f"\x1b[{above}A" if above > 0 else "", _BELOW]
        elif same and same < len(lines):
            parts.append("\n")
        parts.append("\n".join(lines[same:]))
        if same and same == len(lines):  # fewer lines: back to the end of the last one that stays
            parts.append(f"\x1b[A\x1b[{max(1, self._column(lines[-1]))}C")
        self._lines = lines
        self._console.file.write("".join([*parts, _END]))
        self._console.file.flush()

    def _rows(self, line: str) -> int:
        """Return how many rows of the window a line takes: more than one after the window was made narrower."""
        return max(1, -(-_width(line) // max(1, self._console.width)))

    def _column(self, line: str) -> int:
        return min(_width(line), self._console.width - 1)


def _width(line: str) -> int:
    return cell_len(_STYLE.sub("", line))


def _shortened(line: str) -> str:
    """Return a line without the spaces at its end, which would only be in the way when the window gets narrower."""
    return line.rstrip(" ")


def _in_common(one: list[str], other: list[str]) -> int:
    return next(
        (number for number, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), _least(one, other)
    )


def _least(one: list[str], other: list[str]) -> int:
    return min(len(one), len(other))
