"""Lines that fit the window: what is said to the user breaks between words, and columns stay columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

SEPARATOR = " | "
_COLUMNS = re.compile(r"(?:.*\S)?[ ]{2,}(?=\S)")  # up to the last of several columns
_LITTLE = 4
_LEAST = 4  # in less, rich would lose wide characters


def wrapped(text: str, width: int) -> str:
    """Break lines at `width` cells, or at 4 if that is less.

    What goes on is below the last column of its line, if that leaves enough room.
    """
    return "\n".join(part for line in text.split("\n") for part in _wrapped(line, max(_LEAST, width)))


def fitted(parts: Sequence[str], width: int) -> str:
    """Put `parts` into one line of at most `width` cells: the first is left out first, and then the last ones."""
    while len(parts) > 1 and cell_len(SEPARATOR.join(parts)) > width:
        parts = parts[:-1] if parts[0].startswith("context") else parts[1:]
    return SEPARATOR.join(parts)


def _wrapped(line: str, width: int) -> list[str]:
    if cell_len(line) <= width:
        return [line]
    columns = _COLUMNS.match(line)
    indent = cell_len(columns[0]) if columns else 0
    if columns is None or indent > width // 2:
        return _indented("", line, min(_LITTLE, width // 2) if columns else 0, width)
    return _indented(columns[0], line[columns.end() :], indent, width)


def _indented(before: str, rest: str, indent: int, width: int) -> list[str]:
    first, *others = _broken(rest, width - (indent if before else 0))
    if not others:
        return [before + first]
    following = rest[len(first) :].lstrip()
    return [before + first, *(" " * indent + each for each in _broken(following, width - indent))]


def _broken(text: str, width: int) -> list[str]:
    lines = Text(text).wrap(Console(width=width), width)
    return [line.plain.rstrip() for line in lines] or [""]
