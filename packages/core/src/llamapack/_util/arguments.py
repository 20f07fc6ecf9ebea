"""Checks of arguments. Each raises InputError with the name, the value, and the allowed values."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeGuard

from llamapack.errors import InputError, UnknownArgumentError

INT32_MAX = 2**31 - 1
RANDOM_SEED = 0xFFFFFFFF  # llama.cpp's LLAMA_DEFAULT_SEED: choose one at random


def check_int(name: str, value: object, least: int = 1, most: int = INT32_MAX, *, note: str = "") -> int:
    """Return `value` if it is an int from `least` to `most`; `note` explains `least` in the message."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least}{note} to {most}, not {value!r}.")
    return value


def check_bool(name: str, value: object) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be True or False, not {value!r}.")
    return value


def is_number(value: object) -> TypeGuard[float]:
    """Return True for finite numbers that a float can hold; False for bools."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int that is too large for one
        return False


def check_number(
    name: str, value: object, least: float, most: float, *, wanted: str | None = None, fix: str = ""
) -> float:
    """Return `value` as a float if it is finite and from `least` to `most`; `wanted` rewords the message."""
    if not (is_number(value) and least <= value <= most):
        wanted = wanted or f"between {least:g} and {most:g}"
        raise InputError(f"{name} must be {wanted}, not {value!r}.", fix=fix)
    return float(value)


def check_choice(name: str, value: object, choices: Mapping[str, int]) -> int:
    """Return the number that `choices` maps the text `value` to."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}.")
    return choices[value]


def check_seed(value: object) -> None:
    """Accept None and 32-bit unsigned integers, except llama.cpp's marker for a random seed."""
    if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < RANDOM_SEED):
        raise InputError(f"seed must be a whole number from 0 to {RANDOM_SEED - 1}, or None, not {value!r}.")


def check_temperature(name: str, value: object) -> None:
    """Accept 0, and numbers large enough that dividing logits by them does not overflow."""
    if not (is_number(value) and value >= 0):
        raise InputError(f"{name} must be 0 or more, not {value!r}.")
    if value and not 1e-6 <= value <= 1e6:
        raise InputError(f"{name} must be 0, or between 1e-06 and 1e+06, not {value!r}.")


def check_sequence(name: str, value: object) -> tuple[Any, ...]:
    """Return the items of an optional sequence as a tuple, empty for None; a text is not a sequence here."""
    if value is None:
        return ()
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InputError(f"{name} must be a list or another sequence, not {value!r}.", fix="Put it into a list.")
    return tuple(value)


def check_texts(name: str, value: object) -> tuple[str, ...]:
    """Return the items of an optional sequence of texts as a tuple, empty for None."""
    texts = check_sequence(name, value)
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"{name} must hold texts, not {text!r}.")
        if _has_half(text):
            raise InputError(f"{name} has half of a surrogate pair, which is no text: {text!r}.")
    return texts


def invalid_character(text: str) -> str:
    """Return the name of a character in `text` that a string of C cannot hold; empty if there is none."""
    if "\0" in text:
        return "a NUL character"
    return "half of a surrogate pair" if _has_half(text) else ""


def _has_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def check_c_string(name: str, value: object) -> str:
    """Return `value` if it is a text that C can hold: without NUL and halves of surrogate pairs."""
    if not isinstance(value, str) or invalid_character(value):
        raise InputError(f"{name} must be a text without NUL and halves of surrogate pairs, not {value!r}.")
    return value


def check_mapping(name: str, value: object) -> Mapping[Any, Any]:
    """Return `value` if it is a dict or another mapping."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be a dict or another mapping, not {value!r}.")
    return value


def check_keywords(function: str, given: Iterable[str], known: Collection[str]) -> None:
    """Raise UnknownArgumentError for keyword arguments of `function` that are not in `known`."""
    for name in given:
        if name not in known:
            raise UnknownArgumentError(f"{function}() has no argument {name!r}.", fix=did_you_mean(name, known))


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a question that suggests the one of the `known` names that is most like `name`; empty if none is."""
    import difflib  # imported late, because only an error message needs it

    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def warn_caller(warning: Warning) -> None:
    """Issue a warning that points to the line that called this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "llamapack":
        level, frame = level + 1, frame.f_back
    warnings.warn(warning, stacklevel=level)


def path_exists(text: str) -> bool:
    """Return True if there is a file, or anything else, with this path."""
    try:
        return os.path.lexists(text)
    except ValueError:  # a NUL in it
        return False
