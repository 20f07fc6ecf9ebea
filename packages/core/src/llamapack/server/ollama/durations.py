"""Durations as Ollama's clients write them."""

from __future__ import annotations

import re

from llamapack.server.reading import wrong

_DURATION = re.compile(r"(?P<sign>-?)(?P<parts>(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+|0)")
_LONGEST = 1e9
"""Some 30 years. JSON has whole numbers that are too large for a float."""
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(value: object, name: str) -> float | None:
    """Return a duration such as 300, "5m" or "-1" in seconds; negative is for ever. None if there is none."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(max(-_LONGEST, min(_LONGEST, value)))
    if isinstance(value, str) and (found := _DURATION.fullmatch(value)):
        parts = re.findall(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)", found["parts"])
        total = sum(float(number) * _UNITS[unit] for number, unit in parts)
        return -total if found["sign"] else total
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return float(value)
    raise wrong(f'{name!r} must be a number of seconds or a duration such as "5m".')
