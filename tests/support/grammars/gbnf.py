"""Convert a grammar without recursion to a regular expression, to see what it matches without llama.cpp."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r'(?P<literal>"(?:[^"\\]|\\.)*")|(?P<letters>\[(?:[^\]\\]|\\.)*\])|(?P<name>[A-Za-z][\w-]*)'
    r"|(?P<sign>[()|?*+]|\{\d+(?:,\d*)?\})|\s+"
)
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\"}


def as_regex(body: str, rules: dict[str, str] | None = None) -> str:
    """Return the body of a rule as a regular expression, with the rules that it refers to."""
    parts, at = [], 0
    for token in _TOKEN.finditer(body):
        assert token.start() == at, body[at:]
        at = token.end()
        if token["literal"]:
            text = re.sub(r"\\.", lambda escape: _ESCAPES[escape.group()], token["literal"][1:-1])
            parts.append(f"(?:{re.escape(text)})")
        elif token["name"]:
            parts.append(f"(?:{as_regex((rules or {})[token['name']], rules)})")
        else:
            parts.append(token["letters"] or (token["sign"] or "").replace("(", "(?:"))
    assert at == len(body), body[at:]
    return "".join(parts)


def grammar_regex(grammar: str) -> re.Pattern[str]:
    """Compile a whole grammar from its rule `root`."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    return re.compile(as_regex(rules["root"], rules))
