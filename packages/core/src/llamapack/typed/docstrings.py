"""What a docstring says of a function and its parameters, in the styles of Google, numpy and Sphinx."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

_GOOGLE = re.compile(r"^(\s*)\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_NUMPY = re.compile(r"^(\w+)\s*(?::.*)?$")
_SPHINX = re.compile(r"^\s*:param\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)$")
_PARAMETERS = ("args:", "arguments:", "parameters:", "params:")
_SECTION = re.compile(r"^(\w[\w ]*):\s*$")


@dataclass(frozen=True, kw_only=True)
class Documentation:
    """The text of a docstring without its parameters, and what it says of each of them."""

    text: str
    parameters: dict[str, str] = field(default_factory=dict)


def read_docstring(text: str | None, names: Collection[str]) -> Documentation:
    """Read a docstring; only parameters that are in `names` are looked for."""
    lines = inspect.cleandoc(text or "").splitlines()
    found: dict[str, str] = {}
    rest: list[str] = []
    at = 0
    while at < len(lines):
        entries, next_at = _section(lines, at, names)
        if next_at == at:
            rest.append(lines[at])
            next_at = at + 1
        found.update(entries)
        at = next_at
    return Documentation(text=_joined(rest), parameters=found)


def _section(lines: list[str], at: int, names: Collection[str]) -> tuple[dict[str, str], int]:
    """Read the section that begins at a line, and return where it ends: the same place if none begins."""
    line = lines[at]
    if found := _SPHINX.match(line):
        end = _end_of_entry(lines, at + 1, _indent(line))
        return {found[1]: _joined([found[2], *lines[at + 1 : end]])}, end
    if line.lstrip().startswith(":"):  # :return:, :raises:
        return {}, _end_of_entry(lines, at + 1, _indent(line))
    if line.strip().lower() in _PARAMETERS:
        end = _end_of_entry(lines, at + 1, _indent(line))
        return dict(_google(lines[at + 1 : end], names)), end
    if at + 1 < len(lines) and line.strip() and re.fullmatch(r"\s*-{3,}\s*", lines[at + 1]):
        end = _end_of_numpy(lines, at + 2)
        wanted = line.strip().lower() in ("parameters", "other parameters")
        return dict(_numpy(lines[at + 2 : end], names)) if wanted else {}, end
    if _SECTION.match(line) and _is_indented(lines, at + 1):  # Returns:, Raises:
        return {}, _end_of_entry(lines, at + 1, _indent(line))
    return {}, at


def _google(lines: list[str], names: Collection[str]) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(lines):
        found = _GOOGLE.match(lines[at])
        end = _end_of_entry(lines, at + 1, _indent(lines[at]))
        if found and found[2] in names:
            yield found[2], _joined([found[3], *lines[at + 1 : end]])
        at = end


def _numpy(lines: list[str], names: Collection[str]) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(lines):
        found = _NUMPY.match(lines[at])
        end = _end_of_entry(lines, at + 1, 0)
        if found and found[1] in names:
            yield found[1], _joined(lines[at + 1 : end])
        at = end


def _end_of_entry(lines: list[str], at: int, indent: int) -> int:
    """Return where the lines end that are indented more than `indent`."""
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) > indent):
        at += 1
    return at


def _end_of_numpy(lines: list[str], at: int) -> int:
    while at < len(lines) and not (at + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[at + 1])):
        at += 1
    return at


def _is_indented(lines: list[str], at: int) -> bool:
    return at < len(lines) and bool(lines[at].strip()) and _indent(lines[at]) > 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(lines: list[str]) -> str:
    """Join lines of one paragraph with spaces; empty lines stay."""
    paragraphs = "\n".join(line.strip() for line in lines).strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split("\n")).strip() for paragraph in paragraphs).strip()
