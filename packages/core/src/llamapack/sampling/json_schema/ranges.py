"""Expressions for numbers between two bounds, digit by digit, in GBNF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar

_DIGITS = 16  # of a number without a bound, and after the decimal point
_STEP = Decimal(1).scaleb(-9)  # the smallest distance from an exclusive bound


def whole_between(low: int | None, high: int | None) -> str:
    """Return an expression for the integers from `low` to `high`; None is no bound."""
    return " | ".join(_signed(low, high, _natural, 0))


def number_between(low: Decimal | None, high: Decimal | None) -> str:
    """Return an expression for the decimal numbers from `low` to `high`, without exponents; None is no bound."""
    return " | ".join(_signed(low, high, _decimal, Decimal(0)))


def inside(bound: Decimal, direction: int) -> Decimal:
    """Return the nearest number that the grammar can write if the bound itself is not allowed."""
    return bound + direction * _STEP


Number = TypeVar("Number", int, Decimal)


def _signed(
    low: Number | None, high: Number | None, written: Callable[[Number, Number | None], str], zero: Number
) -> Iterator[str]:
    """Yield alternatives for the negative numbers, made from those without the sign, and then for the others."""
    if low is None or low < zero:
        nearest = -high if high is not None and high < zero else zero
        yield f'"-" ({written(nearest, None if low is None else -low)})'
    if high is None or high >= zero:
        yield written(zero if low is None or low < zero else low, high)


def _natural(low: int, high: int | None) -> str:
    return " | ".join(_naturals(low, high))


def _naturals(low: int, high: int | None) -> Iterator[str]:
    """Yield one alternative for each number of digits, and without an upper bound one for all longer numbers."""
    lengths = len(str(low)), len(str(high if high is not None else low))
    for length in range(lengths[0], lengths[1] + 1):
        least = str(low) if length == lengths[0] else "1" + "0" * (length - 1)
        most = str(high) if high is not None and length == lengths[1] else "9" * length
        yield _same_length(least, most)
    if high is None:
        yield f"[1-9] [0-9]{{{lengths[0]},{max(lengths[0], _DIGITS - 1)}}}"


def _same_length(low: str, high: str) -> str:
    """Return an expression for the digits from `low` to `high`, which have the same length."""
    if not low:
        return '""'
    if low[0] == high[0]:
        return f'"{low[0]}" {_same_length(low[1:], high[1:])}' if low[1:] else f'"{low[0]}"'
    return f"({' | '.join(_first_digits(low, high))})"


def _first_digits(low: str, high: str) -> Iterator[str]:
    """Yield by first digit: that of `low` and what may follow, those between with any digits, and that of `high`."""
    rest = len(low) - 1
    first, last = int(low[0]), int(high[0])
    if set(low[1:]) - {"0"}:
        yield f'"{first}" {_same_length(low[1:], "9" * rest)}'
        first += 1
    inexact = bool(set(high[1:]) - {"9"})
    if first <= last - inexact:
        yield f"{_digit(first, last - inexact)}{f' [0-9]{{{rest}}}' if rest else ''}"
    if inexact:
        yield f'"{last}" {_same_length("0" * rest, high[1:])}'


def _digit(first: int, last: int) -> str:
    return f'"{first}"' if first == last else f"[{first}-{last}]"


def _decimal(low: Decimal, high: Decimal | None) -> str:
    return " | ".join(_decimals(low, high))


def _decimals(low: Decimal, high: Decimal | None) -> Iterator[str]:
    """Yield alternatives by integer part: that of `low`, those between, and that of `high`."""
    (first, after), (last, before) = _parts(low), _parts(high) if high is not None else (None, "")
    if first == last:
        yield f'"{first}" {_fraction_between(after, before)}'
        return
    yield f'"{first}" {_fraction_from(after)}'
    if last is None or first + 1 <= last - 1:
        yield f"({_natural(first + 1, None if last is None else last - 1)}) {_ANY}"
    if last is not None:
        yield f'"{last}" {_fraction_to(before)}'


_ANY = f'("." [0-9]{{1,{_DIGITS}}})?'
_TAIL = f"[0-9]{{0,{_DIGITS}}}"


def _parts(value: Decimal) -> tuple[int, str]:
    """Split a number that is not negative into its integer part and its digits after the decimal point."""
    whole = int(value)
    return whole, f"{value - whole:f}".partition(".")[2].rstrip("0")


def _fraction_from(digits: str) -> str:
    return f'"." {_tail_from(digits)}' if digits else _ANY


def _fraction_to(digits: str) -> str:
    least_one = _tail_to(digits).removesuffix("?") if digits else f'"0"{{1,{_DIGITS}}}'
    return f'("." {least_one})?'


def _fraction_between(low: str, high: str) -> str:
    return f'"." {_tail_between(low, high)}' if low else _fraction_to(high)


def _tail_from(digits: str) -> str:
    """Return an expression for fraction digits, perhaps none, of at least `digits`, which do not end in 0."""
    if not digits:
        return _TAIL
    return f"({_digit_and_any(int(digits[0]) + 1, 9)}{_quoted(digits[0])} {_tail_from(digits[1:])})"


def _tail_to(digits: str) -> str:
    if not digits:
        return f'"0"{{0,{_DIGITS}}}'
    return f"({_digit_and_any(0, int(digits[0]) - 1)}{_quoted(digits[0])} {_tail_to(digits[1:])})?"


def _tail_between(low: str, high: str) -> str:
    if not low:
        return _tail_to(high)
    if low[0] == high[0]:
        return f"{_quoted(low[0])} {_tail_between(low[1:], high[1:])}"
    between = _digit_and_any(int(low[0]) + 1, int(high[0]) - 1)
    least = f"{_quoted(low[0])} {_tail_from(low[1:])}"
    return f"({between}{least} | {_quoted(high[0])} {_tail_to(high[1:])})"


def _digit_and_any(first: int, last: int) -> str:
    return f"{_digit(first, last)} {_TAIL} | " if first <= last else ""


def _quoted(digit: str) -> str:
    return f'"{digit}"'
