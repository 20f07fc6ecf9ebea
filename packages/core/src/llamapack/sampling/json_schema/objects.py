"""Rules for objects: keys in order, commas between them, and additional keys."""

from __future__ import annotations

from collections.abc import Mapping, Set

from llamapack.sampling.json_schema.patterns import letter_except
from llamapack.sampling.json_schema.rules import Rules, json_text, literal

_BACKSLASH = "\\"
_CHUNK = 8  # alternatives of one rule; otherwise a hundred optional keys would be a chain of a hundred rules
_LONG = 2000  # characters of a rule after which the rest gets a rule of its own
_LONGEST = 100  # characters of the longest key for which additional keys can be told from it


def object_rule(rules: Rules, hint: str, values: Mapping[str, str], required: Set[str], others: str | None) -> str:
    """Return the rule of an object whose keys come in the order of `values`.

    `values` has an expression for the value of each key, and `others` one for the values of additional keys, which come
    last.
    """
    rules.shared("ws")
    if any(len(key) > _LONGEST for key in values):
        others = None  # the rule for additional keys would need a rule for each character of a key
    body = _Members(rules, hint, values, required, others).all()
    if not body:
        return rules.add(hint, '"{" ws "}"')
    return rules.add(hint, f'"{{" ws ({body}){"" if required else "?"} ws "}}"')


class _Members:
    """The rules for members from a given one on: `_one_of` is one or more of them, `_more` the rest after one."""

    def __init__(
        self, rules: Rules, hint: str, values: Mapping[str, str], required: Set[str], others: str | None
    ) -> None:
        self._rules = rules
        self._hint = hint
        self._members = [f"{literal(json_text(key) + ':')} ws {value}" for key, value in values.items()]
        self._required = [key in required for key in values]
        self._others = others and rules.add(f"{hint}-other", f'{_other_key(rules, hint, values)} ":" ws {others}')
        last = len(self._members)
        self._demanded = next((i for i in range(last, 0, -1) if self._required[i - 1]), 0)  # past the last required one
        self._ones, self._rests = [""] * (last + 1), [""] * (last + 1)
        for i in range(last, -1, -1):
            self._ones[i] = self._one_of(i)
            self._rests[i] = self._more(i) if i else ""

    def all(self) -> str:
        """Return alternatives for all members; empty if there are none."""
        return self._ones[0]

    def _one_of(self, i: int) -> str:
        """Return alternatives: member `i` and what follows, or if it is optional, the same from a later member on."""
        parts: list[str] = []
        for j in range(i, len(self._members)):
            if j - i == _CHUNK:
                return " | ".join([*parts, self._rules.add(f"{self._hint}-from", self._ones[j])])
            parts.append(f"{self._members[j]}{self._rests[j + 1]}")
            if self._required[j]:
                return " | ".join(parts)
        if self._others:
            parts.append(f'{self._others} ("," ws {self._others})*')
        return " | ".join(parts)

    def _more(self, i: int) -> str:
        """Return what may follow before member `i`: nothing, or a comma and further members."""
        if not self._ones[i]:
            return ""
        required = i < len(self._members) and self._required[i]
        text = f'"," ws {self._ones[i] if required else f"({self._ones[i]})"}'
        if required and len(text) < _LONG:
            return f" {text}"
        return f" {self._rules.add(f'{self._hint}-rest', text)}{'' if i < self._demanded else '?'}"


def _other_key(rules: Rules, hint: str, keys: Mapping[str, str]) -> str:
    """Return an expression for a key that is not one of `keys`."""
    if not keys:
        return rules.shared("string")
    rules.shared("char")
    texts = [json_text(key)[1:-1] for key in keys]
    return f'"\\"" {_other_text(rules, hint, texts, escaped=False)}'


def _other_text(rules: Rules, hint: str, texts: list[str], *, escaped: bool) -> str:
    """Return the rule of all JSON strings, after the opening quote, that are not one of `texts`.

    After a backslash, only the characters that follow one in `texts` are allowed, because characters can be escaped in
    several ways.
    """
    branches: dict[str, list[str]] = {}
    for text in texts:
        if text:
            branches.setdefault(text[0], []).append(text[1:])
    parts = [
        f"{literal(letter)} {_other_text(rules, hint, rest, escaped=letter == _BACKSLASH and not escaped)}"
        for letter, rest in branches.items()
    ]
    if not escaped:
        parts.append(f'{letter_except("".join(branches))} char* "\\""')
        if "\\" not in branches:
            parts.append('[\\\\] ["\\\\/bfnrt] char* "\\""')
        if "" not in texts:
            parts.append('"\\""')
    return rules.add(f"{hint}-key", " | ".join(parts))
