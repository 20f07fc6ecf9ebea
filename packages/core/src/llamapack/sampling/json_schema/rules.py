"""The rules of a grammar that is being written, in GBNF."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

# What several schemas need, and from which other rules of this table.
_SHARED = {
    "ws": r'(" " | "\n" [ \t]{0,20})?',
    # As ranges: of a letter in several tokens, the engine refuses the first bytes if a [^...] has any like them.
    "char": r'[ !#-\x5B\x5D-~\x80-\uD7FF\uE000-\U0010FFFF] | [\\] (["\\/bfnrt] | "u" hex4)',
    "hex": "[0-9a-fA-F]",
    "hex4": "[0-9a-cA-CefEF] hex{3} | [dD] [0-7] hex{2}",  # no half of a surrogate pair
    "string": r'"\"" char* "\""',
    "whole": '"0" | [1-9] [0-9]{0,15}',
    "integer": '"-"? whole',
    "number": 'integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "value": "object | array | string | number | boolean | null",
    "member": 'string ":" ws value',
    "object": '"{" ws (member ("," ws member)*)? ws "}"',
    "array": '"[" ws (value ("," ws value)*)? ws "]"',
    "date": '[1-9] [0-9]{3} "-" month-day',
    "month-day": '("0" [13578] | "1" [02]) "-" day31 | ("0" [469] | "11") "-" day30 | "02-" ([01] [1-9] | [12] "0" '
    '| "2" [1-8])',
    "day31": 'day30 | "31"',
    "day30": '"0" [1-9] | [12] [0-9] | "30"',
    "date-time": 'date "T" time',
    "time": '([01] [0-9] | "2" [0-3]) ":" sixty ":" sixty ("." [0-9]{1,9})? ("Z" | [+-] ([01] [0-9] | "2" [0-3]) '
    '":" sixty)',
    "sixty": "[0-5] [0-9]",
    "uuid": 'hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12}',
}


class Rules:
    """Rules by name; a body that was written before gets the name it has."""

    def __init__(self) -> None:
        """Begin with no rule."""
        self._bodies: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def add(self, hint: str, body: str) -> str:
        """Return the name of a rule with this body; a new one is named after `hint`."""
        if body not in self._names:
            self._names[body] = self.reserve(hint)
            self._bodies[self._names[body]] = body
        return self._names[body]

    def reserve(self, hint: str) -> str:
        """Return a name whose rule is defined later, because others need it before."""
        stem = re.sub(r"[^A-Za-z0-9]+", "-", hint).strip("-")[:24] or "rule"
        stem = stem if stem[0].isalpha() else f"rule-{stem}"
        self._counts[stem] = count = self._counts.get(stem, 0) + 1
        return f"{stem}-{count}"

    def define(self, name: str, body: str) -> None:
        """Give a reserved name its body."""
        self._bodies[name] = body

    def shared(self, name: str) -> str:
        """Return the name of a rule that several schemas need, with all that it needs."""
        if name not in self._bodies:
            self._bodies[name] = _SHARED[name]
            for part in _needs(_SHARED[name]):
                self.shared(part)
        return name

    def either(self, hint: str, expressions: Iterable[str]) -> str:
        """Return what matches any of these."""
        parts = list(dict.fromkeys(expressions))
        return parts[0] if len(parts) == 1 else self.add(hint, " | ".join(parts))

    def text(self, root: str) -> str:
        """Return the grammar whose root is this expression."""
        return "".join(f"{name} ::= {body}\n" for name, body in {"root": root, **self._bodies}.items())


def _needs(body: str) -> list[str]:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]', " ", body)
    return [word for word in re.findall(r"[a-z][a-z0-9-]*", bare) if word in _SHARED]


def literal(text: str) -> str:
    """Write text as it is."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(letter, letter) for letter in text) + '"'


def json_text(value: object) -> str:
    """Write a value as JSON, with non-ASCII letters as they are, unless one is half of a pair."""
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if re.search("[\ud800-\udfff]", text) else text


def one_of(rules: Rules, hint: str, texts: Iterable[str]) -> str:
    """Return the rule of these texts, sharing their beginnings.

    A grammar is as slow as it has ways to go on: a list of thousands has thousands, this one for each next letter.
    """
    branches: dict[str, list[str]] = {}
    for text in texts:
        branches.setdefault(text[:1], []).append(text[1:])
    return rules.add(hint, " | ".join(_branch(rules, hint, *branch) for branch in branches.items()))


def _branch(rules: Rules, hint: str, letter: str, rest: list[str]) -> str:
    first, last = min(rest), max(rest)
    same = next((i for i, letters in enumerate(zip(first, last, strict=False)) if len(set(letters)) > 1), len(first))
    shared, rest = first[:same], [text[same:] for text in rest]
    if len(rest) == 1 or not letter:
        return literal(letter + shared)
    return f"{literal(letter + shared)} {one_of(rules, hint, rest)}"
