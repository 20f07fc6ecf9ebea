"""Ranges of numbers, checked before llama.cpp sees them."""

from __future__ import annotations

import math
from typing import TypeGuard

from llamapack.errors import InputError

INT32_MAX = 2**31 - 1
RANDOM_SEED = 0xFFFFFFFF  # llama.cpp's sign for "take one at random"


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Refuse what is no number between `low` and `high`."""
    if not (is_number(value) and low <= value <= high):
        raise InputError(f"{name} must be between {low:g} and {high:g}, not {value!r}.")


def check_whole(name: str, value: object, low: int, high: int = INT32_MAX, *, note: str = "") -> None:
    """Refuse what is no whole number from `low` to `high`; `note` says what `low` means."""
    if not (isinstance(value, int) and not isinstance(value, bool) and low <= value <= high):
        upwards = "upwards" if high == INT32_MAX else f"to {high}"
        raise InputError(f"{name} must be a whole number from {low}{note} {upwards}, not {value!r}.")


def check_seed(value: object) -> None:
    """Refuse what is no seed; None is one."""
    if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < RANDOM_SEED):
        raise InputError(f"seed must be a whole number from 0 to {RANDOM_SEED - 1}, or None, not {value!r}.")


def check_temperature(name: str, value: object) -> None:
    """Refuse what is no temperature, and one that would overflow the logits it divides."""
    if not (is_number(value) and value >= 0):
        raise InputError(f"{name} must be 0 or more, not {value!r}.")
    if value and not 1e-6 <= value <= 1e6:
        raise InputError(f"{name} must be 0, or between 1e-06 and 1e+06, not {value!r}.")


def is_number(value: object) -> TypeGuard[float]:
    """Return True for finite numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
