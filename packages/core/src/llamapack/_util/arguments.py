"""Checks of arguments that several modules make."""

from __future__ import annotations

import math
from collections.abc import Mapping

from llamapack.errors import InputError


def whole(name: str, value: object, least: int = 1, most: int = 2**31 - 1) -> int:
    """Return `value` if it is a whole number from `least` to `most`; raises InputError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
    return value


def flag(name: str, value: object) -> bool:
    """Return `value` if it is True or False; raises InputError otherwise."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be True or False, not {value!r}.")
    return value


def number(name: str, value: object, least: float, most: float, wanted: str, fix: str = "") -> float:
    """Return `value` if it is a number from `least` to `most`; raises InputError, saying that it must be `wanted`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"{name} must be {wanted}, not {value!r}.", fix=fix)
    if not least <= value <= most:
        raise InputError(f"{name} must be {wanted}, not {value!r}.", fix=fix)
    return float(value)


def choice(name: str, value: object, among: Mapping[str, int]) -> int:
    """Return the number that `among` has for `value`; raises InputError with the choices."""
    if not isinstance(value, str) or value not in among:
        raise InputError(f"{name} must be one of {', '.join(map(repr, among))}, not {value!r}.")
    return among[value]
