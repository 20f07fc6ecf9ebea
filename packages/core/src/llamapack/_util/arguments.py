"""Checks of arguments. Each raises InputError with the name, the value, and what is allowed."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeGuard

from llamapack.errors import InputError, UnknownArgumentError

INT32_MAX = 2**31 - 1
RANDOM_SEED = 0xFFFFFFFF  # llama.cpp's sign for "take a random one"


def check_int(name: str, value: object, least: int = 1, most: int = INT32_MAX, *, note: str = "") -> int:
    """Return `value` if it is an int from `least` to `most`; `note` is put behind `least` to say what that means."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least}{note} to {most}, not {value!r}.")
    return value


def check_bool(name: str, value: object) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be True or False, not {value!r}.")
    return value


def is_number(value: object) -> TypeGuard[float]:
    """Return True for finite numbers, which bools are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_number(
    name: str, value: object, least: float, most: float, *, wanted: str | None = None, fix: str = ""
) -> float:
    """Return `value` as a float if it is a finite number from `least` to `most`; `wanted` says so in other words."""
    if not (is_number(value) and least <= value <= most):
        wanted = wanted or f"between {least:g} and {most:g}"
        raise InputError(f"{name} must be {wanted}, not {value!r}.", fix=fix)
    return float(value)


def check_choice(name: str, value: object, choices: Mapping[str, int]) -> int:
    """Return the number that `choices` has for the text `value`."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}.")
    return choices[value]


def check_seed(value: object) -> None:
    """Accept None, and whole numbers of 32 bits except llama.cpp's sign for a random seed."""
    if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < RANDOM_SEED):
        raise InputError(f"seed must be a whole number from 0 to {RANDOM_SEED - 1}, or None, not {value!r}.")


def check_temperature(name: str, value: object) -> None:
    """Accept 0, and numbers that do not make the logits overflow when they are divided by it."""
    if not (is_number(value) and value >= 0):
        raise InputError(f"{name} must be 0 or more, not {value!r}.")
    if value and not 1e-6 <= value <= 1e6:
        raise InputError(f"{name} must be 0, or between 1e-06 and 1e+06, not {value!r}.")


def check_sequence(name: str, value: object) -> tuple[Any, ...]:
    """Return the items of an optional sequence, none for None; a text is not one."""
    if value is None:
        return ()
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InputError(f"{name} must be a list or another sequence, not {value!r}.", fix="Put it into a list.")
    return tuple(value)


def check_keywords(function: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse keyword arguments of `function` that are not among `known`: raises UnknownArgumentError."""
    for name in given:
        if name not in known:
            import difflib  # only for an error message

            near = difflib.get_close_matches(name, known, n=1)
            raise UnknownArgumentError(
                f"{function}() has no argument {name!r}.", fix=f"Did you mean {near[0]!r}?" if near else ""
            )


def warn_caller(warning: Warning) -> None:
    """Issue a warning at the line that called this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "llamapack":
        level, frame = level + 1, frame.f_back
    warnings.warn(warning, stacklevel=level)
