"""Texts without characters that control a terminal: a model may write any, and a terminal would obey."""

from __future__ import annotations

import re

# C0 without tab and new line, DEL, C1, and what turns the direction of text around
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SIMPLE = {
    0x2014: "--",
    0x2019: "'",
    0x2022: "*",
    0x2026: "...",
    0x2500: "-",
    0x2502: "|",
    0x2501: "-",
    0x253C: "+",
    0x258C: "|",
    0x2590: "|",
    0x2574: "-",
    0x2576: "-",
    0x256A: "+",
    0x2550: "=",
}


def without_controls(text: str) -> str:
    """Replace characters that control a terminal, and halves of characters, by U+FFFD."""
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\r\n", "\n")
    return _CONTROLS.sub("\ufffd", whole)


def for_encoding(text: str, encoding: str) -> str:
    """Replace lines, bullets and other signs that `encoding` does not have by simple ones."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_SIMPLE)
    return text
