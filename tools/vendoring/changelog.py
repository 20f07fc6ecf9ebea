"""Add lines to the changelog's part for what is not released yet, and take them out again."""

from __future__ import annotations

from pathlib import Path

from tools.util.atomic_files import write_file

UPSTREAM = "- llama.cpp is now at "
_PART, _GROUP = "## Unreleased", "### Changed"


def add_line(path: Path, line: str) -> None:
    """Put `line` under Unreleased, Changed; one about llama.cpp takes the place of an earlier one there."""
    lines = _read(path) if path.exists() else ["# Changelog"]
    if line in lines:
        return
    start = _heading(lines, _PART, at=_first(lines, "## ", 0), level="## ", end=len(lines))
    end = _first(lines, "## ", start + 1)
    if line.startswith(UPSTREAM):
        kept = [old for old in lines[start:end] if not old.startswith(UPSTREAM)]
        lines[start:end], end = kept, start + len(kept)
    group = _heading(lines, _GROUP, at=end, level="### ", end=end, start=start)
    after = min(_first(lines, "### ", group + 1), _first(lines, "## ", group + 1))
    while not lines[after - 1].strip() and after - 1 > group + 1:
        after -= 1
    lines[after:after] = [line] if after - 1 > group or lines[after - 1 : after] == [""] else ["", line]
    _write(path, lines)


def remove_line(path: Path, line: str) -> None:
    """Take `line` out again, with its heading where that is left with nothing."""
    if not path.exists() or line not in (lines := _read(path)):
        return
    at = lines.index(line)
    del lines[at]
    above = [text for text in lines[:at] if text.strip()]
    below = next((text for text in lines[at:] if text.strip()), "## ")
    if above and above[-1] == _GROUP and below.startswith("#"):
        del lines[len(lines[:at]) - 1 - lines[:at][::-1].index(_GROUP)]
    _write(path, lines)


def _read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()


def _heading(lines: list[str], title: str, *, at: int, level: str, end: int, start: int = 0) -> int:
    """Return the line of a heading between `start` and `end`, inserted at `at` if there is none."""
    for number in range(start, end):
        if lines[number].strip().lower().replace("[", "").replace("]", "").startswith(title.lower()):
            return number
    lines[at:at] = ["", title, "", ""] if at < len(lines) else ["", title, ""]
    return at + 1


def _first(lines: list[str], beginning: str, start: int) -> int:
    return next((n for n in range(start, len(lines)) if lines[n].startswith(beginning)), len(lines))


def _write(path: Path, lines: list[str]) -> None:
    tidy: list[str] = []
    for line in lines:
        if line.strip() or (tidy and tidy[-1].strip()):
            tidy.append(line)
    while tidy and not tidy[-1].strip():
        tidy.pop()
    write_file(path, ("\n".join(tidy) + "\n").encode("utf-8", "surrogateescape"))
