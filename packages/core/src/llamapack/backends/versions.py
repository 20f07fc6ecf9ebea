"""Versions, compared as numbers: 580.9 is older than 580.65."""

from __future__ import annotations

import re
from itertools import zip_longest

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def parse_version(text: str) -> tuple[int, ...] | None:
    """Return the first dotted numbers in `text`, such as (535, 183, 1) of `535.183.01`; None if there are none."""
    found = _NUMBERS.search(text)
    return tuple(int(part) for part in found.group().split(".")) if found else None


def is_older(version: str | None, floor: str | None) -> bool:
    """Return True if `version` is known and older than `floor`; parts that are left out are 0."""
    have, need = parse_version(version or ""), parse_version(floor or "")
    if have is None or need is None:
        return False
    for ours, theirs in zip_longest(have, need, fillvalue=0):
        if ours != theirs:
            return ours < theirs
    return False
