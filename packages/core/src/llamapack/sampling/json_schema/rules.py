"""The rules of a GBNF grammar, collected while it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

# Predefined rules, and the other rules of this table that each needs.
_SHARED = {
    "ws": r'(" " | "\n" [ \t]{0,20})?',
    # As ranges: if a character is split into several tokens, llama.cpp rejects its first bytes for some [^...].
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
    """Rules by name; adding a body that exists already returns the existing name."""

    def __init__(self) -> None:
        """Begin without rules."""
        self._bodies: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def add(self, hint: str, body: str) -> str:
        """Return the name of a rule with this body; a new rule's name is derived from `hint`."""
        if body not in self._names:
            self._names[body] = self.reserve(hint)
            self._bodies[self._names[body]] = body
        return self._names[body]

    def reserve(self, hint: str) -> str:
        """Return a name for a rule that is defined later, because other rules need the name first."""
        stem = re.sub(r"[^A-Za-z0-9]+", "-", hint).strip("-")[:24] or "rule"
        stem = stem if stem[0].isalpha() else f"rule-{stem}"
        self._counts[stem] = count = self._counts.get(stem, 0) + 1
        return f"{stem}-{count}"

    def define(self, name: str, body: str) -> None:
        """Set the body of a reserved name."""
        self._bodies[name] = body

    def shared(self, name: str) -> str:
        """Return the name of a predefined rule, and add it with all rules that it needs."""
        if name not in self._bodies:
            self._bodies[name] = _SHARED[name]
            for part in _needs(_SHARED[name]):
                self.shared(part)
        return name

    def either(self, hint: str, expressions: Iterable[str]) -> str:
        """Return an expression that matches any of these."""
        parts = list(dict.fromkeys(expressions))
        return parts[0] if len(parts) == 1 else self.add(hint, " | ".join(parts))

    def text(self, root: str) -> str:
        """Return the whole grammar, with this expression as its root."""
        return "".join(f"{name} ::= {body}\n" for name, body in {"root": root, **self._bodies}.items())


def _needs(body: str) -> list[str]:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]', " ", body)
    return [word for word in re.findall(r"[a-z][a-z0-9-]*", bare) if word in _SHARED]


def literal(text: str) -> str:
    """Return text as a GBNF literal."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(letter, letter) for letter in text) + '"'


def json_text(value: object) -> str:
    """Return a value as JSON, with non-ASCII characters as they are, unless one is half of a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if re.search("[\ud800-\udfff]", text) else text


def one_of(rules: Rules, hint: str, texts: Iterable[str]) -> str:
    """Return the rule of these texts, with shared prefixes.

    A grammar gets slower with the number of ways to continue. A plain list of thousands of texts has thousands of ways;
    this rule has one for each possible next character.
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
