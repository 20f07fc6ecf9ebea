"""The regular expressions of JSON schemas, in GBNF.

The usual syntax is read (ECMA-262, by code points). What is written matches the inside of a JSON string: what JSON
escapes is escaped, and what is not anchored may have any text around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from llamapack.sampling.json_schema.rules import literal

MAX_TIMES = 2000  # llama.cpp's limit for repetitions
_MAX_GROUPS = 50  # nested
_LAST = 0x10FFFF
_ANY = "char*"
_ESCAPED = {'"': '"', "\\": "\\", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}


class PatternError(ValueError):
    """A pattern is wrong, or more than a grammar can express."""


@dataclass(frozen=True)
class Points:
    """A set of code points, as ranges in order that neither touch nor overlap."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, *ranges: tuple[int, int]) -> Points:
        """Join ranges in any order."""
        joined: list[tuple[int, int]] = []
        for low, high in sorted(ranges):
            if joined and low <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
            else:
                joined.append((low, high))
        return cls(tuple(joined))

    def __or__(self, other: Points) -> Points:
        """Return what is in either."""
        return Points.of(*self.ranges, *other.ranges)

    def __invert__(self) -> Points:
        """Return all others."""
        edges = [-1, *(edge for low, high in self.ranges for edge in (low, high)), _LAST + 1]
        gaps = zip(edges[::2], edges[1::2], strict=True)
        return Points(tuple((low + 1, high - 1) for low, high in gaps if low + 1 <= high - 1))

    def __sub__(self, other: Points) -> Points:
        """Return what is here and not there."""
        return ~(~self | other)

    def __contains__(self, letter: str) -> bool:
        """Return True if the letter is in the set."""
        return any(low <= ord(letter) <= high for low, high in self.ranges)


def _letters(text: str) -> Points:
    return Points.of(*((ord(letter), ord(letter)) for letter in text))


_DIGITS = Points.of((0x30, 0x39))
_WORD = Points.of((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACES = _letters("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff") | Points.of((0x2000, 0x200A))
_SETS = {"d": _DIGITS, "D": ~_DIGITS, "w": _WORD, "W": ~_WORD, "s": _SPACES, "S": ~_SPACES}
_DOT = ~_letters("\n\r\u2028\u2029")
_RAW = ~(_letters('"\\\x7f') | Points.of((0, 0x1F), (0xD800, 0xDFFF)))  # stand for themselves in a JSON string


@lru_cache(maxsize=1000)
def rewrite(pattern: str) -> str:
    """Write what `pattern` matches, with the shared rule `char`; raises PatternError with the reason if that cannot be.

    What it writes may hold alternatives: put it in brackets.
    """
    return _Reader(pattern).read()


def letter_except(letters: str) -> str:
    """Write one letter of a JSON string that is not escaped and none of `letters`."""
    return _class(_RAW - _letters(letters))


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def read(self) -> str:
        alternatives = [self._top_alternative()]
        while self._take("|"):
            alternatives.append(self._top_alternative())
        if self._at < len(self._pattern):
            raise PatternError("a bracket is closed that was not opened")
        return " | ".join(alternatives)

    def _top_alternative(self) -> str:
        before = [] if self._take("^") else [_ANY]
        inside = list(self._terms())
        after = [] if self._take("$") else [_ANY]
        return " ".join([*before, *inside, *after]) or '""'

    def _alternatives(self) -> str:
        parts = [" ".join(self._terms())]
        while self._take("|"):
            parts.append(" ".join(self._terms()))
        return " | ".join(part or '""' for part in parts)

    def _terms(self) -> Iterator[str]:
        while (letter := self._peek()) and letter not in "|)":
            if letter == "$" and self._depth == 0 and self._peek(1) in ("", "|"):
                return
            yield self._quantified(self._atom())

    def _atom(self) -> str:
        letter = self._next()
        if letter == "(":
            return self._group()
        if letter == "[":
            return _class(self._class_points())
        if letter == ".":
            return _class(_DOT)
        if letter == "\\":
            return _class(self._escape(in_class=False))
        if letter in "^$":
            raise PatternError(f"{letter!r} inside the pattern is not supported")
        if letter in "*+?":
            raise PatternError(f"there is nothing before {letter!r} to repeat")
        return _class(_letters(letter))

    def _group(self) -> str:
        if self._take("?") and not self._take(":") and not self._match(_NAME):
            raise PatternError("lookaround and flags are not supported")
        self._depth += 1
        if self._depth > _MAX_GROUPS:
            raise PatternError(f"more than {_MAX_GROUPS} groups are nested")
        inside = self._alternatives()
        if not self._take(")"):
            raise PatternError("a bracket is not closed")
        self._depth -= 1
        return f"({inside})"

    def _quantified(self, atom: str) -> str:
        counts = self._match(_COUNTS)
        if not counts:
            return atom
        self._take("?")  # lazy or not, the same texts match
        if self._peek() and self._peek() in "*+?":
            raise PatternError("a repetition is repeated")
        low, comma, high = counts.groups()
        if low is None:
            return f"{atom}{counts.group()}"
        most = int(high) if high else int(low)
        if most < int(low) or max(most, int(low)) > MAX_TIMES:
            raise PatternError(f"{counts.group()} is no repetition from at most {MAX_TIMES} to at most as many times")
        return f"{atom}{{{int(low)}{',' if comma else ''}{int(high) if high else ''}}}"

    def _class_points(self) -> Points:
        negated = self._take("^")
        points = Points(())
        while not self._take("]"):
            low = self._class_atom()
            if self._peek() == "-" and self._peek(1) not in ("]", ""):
                self._next()
                points |= _range(low, self._class_atom())
            else:
                points |= low
        return ~points if negated else points

    def _class_atom(self) -> Points:
        letter = self._next()
        return self._escape(in_class=True) if letter == "\\" else _letters(letter)

    def _escape(self, *, in_class: bool) -> Points:
        letter = self._next()
        if letter in _SETS:
            return _SETS[letter]
        if letter == "b" and in_class:
            return _letters("\b")
        if letter in _CONTROL and not (letter == "0" and self._peek().isdigit()):
            return _letters(_CONTROL[letter])
        if letter in "xuc" and (point := self._match(_NUMBERED[letter])):
            number = point.group(1) or point.group(point.lastindex or 1)
            return self._numbered(ord(number) % 32 if letter == "c" else int(number, 16))
        if letter.isalnum():
            raise PatternError(f"\\{letter} is not supported")
        return _letters(letter)

    def _numbered(self, point: int) -> Points:
        low = self._match(_LOW) if 0xD800 <= point < 0xDC00 else None
        if low:
            point = 0x10000 + ((point - 0xD800) << 10) + int(low.group(1), 16) - 0xDC00
        if point > _LAST:
            raise PatternError(f"there is no code point {point:x}")
        return Points.of((point, point))

    def _peek(self, ahead: int = 0) -> str:
        return self._pattern[self._at + ahead : self._at + ahead + 1]

    def _next(self) -> str:
        letter = self._peek()
        if not letter:
            raise PatternError("it ends too early")
        self._at += 1
        return letter

    def _take(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._pattern, self._at)
        if found:
            self._at = found.end()
        return found


_NAME = re.compile(r"<[A-Za-z_$][\w$]*>")
_COUNTS = re.compile(r"\*|\+|\?|\{(\d{1,9})(?:(,)(\d{0,9}))?\}")
_LOW = re.compile(r"\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_NUMBERED = {
    "x": re.compile(r"([0-9a-fA-F]{2})"),
    "u": re.compile(r"\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{4})"),
    "c": re.compile(r"([A-Za-z])"),
}


def _range(low: Points, high: Points) -> Points:
    ends = [points.ranges[0] for points in (low, high) if len(points.ranges) == 1]
    if len(ends) != 2 or any(first != last for first, last in ends) or ends[0] > ends[1]:
        raise PatternError("a range in a class is reversed, or its ends are no single letters")
    return Points.of((ends[0][0], ends[1][0]))


def _class(points: Points) -> str:
    """Write one character of a JSON string that stands for one of `points`."""
    raw = points - ~_RAW
    escaped = [_ESCAPED[letter] for letter in _ESCAPED if letter in points]
    if len(raw.ranges) == 1 and raw.ranges[0][0] == raw.ranges[0][1] and not escaped:
        return literal(chr(raw.ranges[0][0]))
    parts = [f"[{''.join(_written(low, high) for low, high in raw.ranges)}]"] if raw.ranges else []
    parts += [literal("\\" + letter) for letter in escaped]
    if not parts:
        raise PatternError("a class matches nothing that a JSON string can hold")
    return parts[0] if len(parts) == 1 else f"({' | '.join(parts)})"


def _written(low: int, high: int) -> str:
    return _point(low) if low == high else f"{_point(low)}-{_point(high)}"


def _point(point: int) -> str:
    letter = chr(point)
    if letter.isascii() and letter.isalnum():
        return letter
    return f"\\x{point:02X}" if point < 0x100 else f"\\u{point:04X}" if point < 0x10000 else f"\\U{point:08X}"
