"""Convert the regular expressions of JSON schemas to GBNF.

The usual syntax is read (ECMA-262, by code points). The result matches the inside of a JSON string: characters that
JSON escapes are escaped, and a pattern without anchors may have any text around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llamapack.sampling.json_schema.counts import MAX_COUNT, repeated
from llamapack.sampling.json_schema.rules import Rules, literal

_MAX_GROUPS = 50  # nested
_LAST = 0x10FFFF
_ANY = "char*"
_ESCAPED = {'"': '"', "\\": "\\", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}


class PatternError(ValueError):
    """A pattern is not a regular expression, or matches no text at all."""


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A pattern in GBNF; `exact` is False if it allows more than the pattern does."""

    text: str
    exact: bool


@dataclass(frozen=True)
class Points:
    """A set of code points, as sorted ranges that neither touch nor overlap."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, *ranges: tuple[int, int]) -> Points:
        """Make a set from ranges in any order."""
        joined: list[tuple[int, int]] = []
        for low, high in sorted(ranges):
            if joined and low <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
            else:
                joined.append((low, high))
        return cls(tuple(joined))

    def __or__(self, other: Points) -> Points:
        """Return the union."""
        return Points.of(*self.ranges, *other.ranges)

    def __invert__(self) -> Points:
        """Return the complement."""
        edges = [-1, *(edge for low, high in self.ranges for edge in (low, high)), _LAST + 1]
        gaps = zip(edges[::2], edges[1::2], strict=True)
        return Points(tuple((low + 1, high - 1) for low, high in gaps if low + 1 <= high - 1))

    def __sub__(self, other: Points) -> Points:
        """Return the difference."""
        return ~(~self | other)

    def __contains__(self, letter: str) -> bool:
        """Return True if the character is in the set."""
        return any(low <= ord(letter) <= high for low, high in self.ranges)


def _letters(text: str) -> Points:
    return Points.of(*((ord(letter), ord(letter)) for letter in text))


_DIGITS = Points.of((0x30, 0x39))
_WORD = Points.of((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACES = _letters("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff") | Points.of((0x2000, 0x200A))
_SETS = {"d": _DIGITS, "D": ~_DIGITS, "w": _WORD, "W": ~_WORD, "s": _SPACES, "S": ~_SPACES}
_DOT = ~_letters("\n\r\u2028\u2029")
_RAW = ~(_letters('"\\\x7f') | Points.of((0, 0x1F), (0xD800, 0xDFFF)))  # stand for themselves in a JSON string


def rewrite(pattern: str, rules: Rules) -> Rewritten:
    """Return `pattern` in GBNF, adding to `rules`; the text may contain alternatives, so put it in parentheses.

    What a grammar cannot express is left out, so that the result allows more: conditions on the surrounding text
    (lookaround, word boundaries, anchors inside), references to groups, classes of Unicode properties, and counts above
    MAX_COUNT. A pattern with flags becomes any text. Raises PatternError for text that is not a regular expression.
    """
    rules.shared("char")
    reader = _Reader(pattern, rules)
    try:
        return Rewritten(text=reader.read(), exact=reader.exact)
    except _AnyText:
        return Rewritten(text=_ANY, exact=False)


def letter_except(letters: str) -> str:
    """Return an expression for one unescaped character of a JSON string that is not in `letters`."""
    return _class(_RAW - _letters(letters))


class _AnyText(Exception):  # noqa: N818 - not an error
    """No part of the pattern can be enforced."""


@dataclass(frozen=True)
class _Part:
    """A part of a pattern in GBNF; `nullable` if it also matches the empty text. Without text, it is left out."""

    text: str
    nullable: bool = False


class _Reader:
    """Reads one pattern. `exact` becomes False if something is left out."""

    def __init__(self, pattern: str, rules: Rules) -> None:
        self.exact = True
        self._rules = rules
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
        inside = [part.text for part in self._terms()]
        after = [] if self._take("$") else [_ANY]
        if not inside:
            return _ANY if before or after else '""'
        return " ".join([*before, *inside, *after])

    def _alternatives(self) -> _Part:
        alternatives = [list(self._terms())]
        while self._take("|"):
            alternatives.append(list(self._terms()))
        texts = [" ".join(part.text for part in parts) or '""' for parts in alternatives]
        return _Part(" | ".join(texts), any(all(part.nullable for part in parts) for parts in alternatives))

    def _terms(self) -> Iterator[_Part]:
        while (letter := self._peek()) and letter not in "|)":
            if letter == "$" and self._depth == 0 and self._peek(1) in ("", "|"):
                return
            part = self._quantified(self._atom())
            if part.text:
                yield part

    def _atom(self) -> _Part:
        letter = self._next()
        if letter == "(":
            return self._group()
        if letter == "[":
            return _Part(_class(self._class_points()))
        if letter == ".":
            return _Part(_class(_DOT))
        if letter in "^$" or (letter == "\\" and self._peek() and self._peek() in _CONDITIONS):
            self._at += letter == "\\"
            return self._left_out()
        if letter == "\\":
            return _Part(_class(self._escape(in_class=False)))
        if letter in "*+?":
            raise PatternError(f"there is nothing before {letter!r} to repeat")
        return _Part(_class(_letters(letter)))

    def _left_out(self) -> _Part:
        """Leave out a condition: without it, the same texts match, and perhaps others."""
        self.exact = False
        return _Part("", nullable=True)

    def _group(self) -> _Part:
        condition = bool(self._match(_LOOKAROUND))
        if not condition and self._take("?") and not self._match(_GROUP):
            if self._match(_OTHER_GROUP):
                raise _AnyText
            raise PatternError("there is no such kind of group")
        self._depth += 1
        if self._depth > _MAX_GROUPS:
            raise _AnyText
        inside = self._alternatives()
        if not self._take(")"):
            raise PatternError("a bracket is not closed")
        self._depth -= 1
        return self._left_out() if condition else _Part(f"({inside.text})", inside.nullable)

    def _quantified(self, atom: _Part) -> _Part:
        counts = self._match(_COUNTS)
        if not counts:
            return atom
        self._take("?")  # lazy or not, the same texts match
        if self._peek() and self._peek() in "*+?":
            raise PatternError("a repetition is repeated")
        sign, low, comma, high = counts.groups()
        if sign:
            least, most = int(sign == "+"), 1 if sign == "?" else None
        else:
            least, most = int(low), int(high) if high else None if comma else int(low)
        if most is not None and most < least:
            raise PatternError(f"{counts.group()} is a repetition from {least} to {most} times")
        return self._repeated(atom, least, most)

    def _repeated(self, atom: _Part, least: int, most: int | None) -> _Part:
        if not atom.text or most == 0:
            return _Part("", nullable=True)
        if atom.nullable and most != 1:
            raise _AnyText  # each repetition may be empty, so that there are too many ways to parse a text
        if max(least, most or 0) > MAX_COUNT:
            self.exact = False
            least, most = min(least, MAX_COUNT), None
        # llama.cpp multiplies the counts of nested repetitions, but the name of a rule counts as one
        text = self._rules.add("group", atom.text[1:-1]) if atom.text.startswith("(") else atom.text
        return _Part(repeated(self._rules, text, least, most), atom.nullable or not least)

    def _class_points(self) -> Points:
        negated = self._take("^")
        points, unknown = Points(()), False
        while not self._take("]"):
            unknown |= bool(_PROPERTY.match(self._pattern, self._at))
            low = self._class_atom()
            if self._peek() == "-" and self._peek(1) not in ("]", ""):
                self._next()
                points |= _range(low, self._class_atom())
            else:
                points |= low
        if unknown:
            return _ALL
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
        if letter in "pP" and self._match(_NAMED):
            self.exact = False
            return _ALL
        if letter.isalnum():
            raise _AnyText  # a backreference, or syntax that only some dialects have
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


_ALL = ~Points(())
_CONDITIONS = "bBAZz"  # with a backslash: they match between letters
_LOOKAROUND = re.compile(r"\?<?[=!]")
_GROUP = re.compile(r":|P?<[A-Za-z_$][\w$]*>")  # after its question mark
_OTHER_GROUP = re.compile(r"[a-zA-Z]*(-[a-zA-Z]+)?[:)]|[>#(|]|P=")  # flags, and syntax that only some dialects have
_PROPERTY = re.compile(r"\\[pP]")
_NAMED = re.compile(r"\{\^?[\w=:.& -]+\}|[A-Z]")  # a Unicode property
_COUNTS = re.compile(r"([*+?])|\{(\d{1,9})(?:(,)(\d{0,9}))?\}")
_LOW = re.compile(r"\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_NUMBERED = {
    "x": re.compile(r"([0-9a-fA-F]{2})"),
    "u": re.compile(r"\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{4})"),
    "c": re.compile(r"([A-Za-z])"),
}


def _range(low: Points, high: Points) -> Points:
    """Join a range in a class; beside a set, as in `[\\w-.]`, the hyphen stands for itself."""
    (first, *more), (last, *others) = low.ranges, high.ranges
    if more or others or first[0] != first[1] or last[0] != last[1]:
        return low | high | _letters("-")
    if first > last:
        raise PatternError("a range in a class is reversed")
    return Points.of((first[0], last[0]))


def _class(points: Points) -> str:
    """Return an expression for one character of a JSON string that is in `points`."""
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
