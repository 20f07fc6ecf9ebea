"""Numbers between bounds, as grammars: exactly those that are between."""

from __future__ import annotations

import random
import re
from decimal import Decimal

import pytest
from llamapack.sampling.json_schema.ranges import number_between, whole_between

from tests.support.grammars.gbnf import as_regex

WHOLE: list[tuple[int | None, int | None]] = [
    *((0, 0), (5, 5), (0, 9), (1, 10), (0, 100), (17, 342), (100, 999), (999, 1001), (123456, 654321)),
    *((-5, 5), (-20, -3), (-1000, 0), (None, 7), (7, None), (-7, None), (None, -7), (None, 0)),
]
DECIMAL: list[tuple[str | None, str | None]] = [
    *(("0", "1"), ("0.25", "0.75"), ("-1", "1"), ("-0.5", "2.125"), ("1.05", "1.5"), ("0.999999999", "1")),
    *(("-3.7", "-3.1"), ("0", "0"), ("2.5", "2.5"), ("0.1", "0.10001"), ("100.5", "2000"), ("3", None)),
    *((None, "-2.5"), (None, "3.25"), ("-0.001", None)),
]


@pytest.mark.parametrize(("low", "high"), WHOLE)
def test_whole_numbers_between(low: int | None, high: int | None) -> None:
    regex = re.compile(as_regex(whole_between(low, high)))
    edges = {bound + step for bound in (low, high) if bound is not None for step in (-1, 0, 1)}
    for number in {*range(-1500, 1500), *edges, 123457, 654320, 10**12, -(10**12)}:
        wanted = (low is None or number >= low) and (high is None or number <= high)
        assert bool(regex.fullmatch(str(number))) == wanted, number
    assert not regex.fullmatch("01")
    assert not regex.fullmatch("")


@pytest.mark.parametrize(("low", "high"), DECIMAL)
def test_decimal_numbers_between(low: str | None, high: str | None) -> None:
    least, most = (None if bound is None else Decimal(bound) for bound in (low, high))
    regex = re.compile(as_regex(number_between(least, most)))
    numbers = random.Random(7)  # noqa: S311 - the same numbers in every run
    for _ in range(2000):
        near = numbers.choice([least, most, Decimal(0)]) or Decimal(0)
        far = Decimal(numbers.uniform(-2, 2)).scaleb(numbers.choice([0, 0, -1, -3, 2]))
        number = (near + far).quantize(Decimal(1).scaleb(-numbers.choice([0, 1, 2, 3, 6])))
        text = f"{number:f}" if number else f"{number:f}".lstrip("-")
        wanted = (least is None or number >= least) and (most is None or number <= most)
        assert bool(regex.fullmatch(text)) == wanted, text


def test_large_bounds_are_exact() -> None:
    low = 10**17 + 3
    regex = re.compile(as_regex(whole_between(low, None)))
    found = {number: bool(regex.fullmatch(str(number))) for number in (low - 1, low, low + 1, 10**18)}
    assert found == {low - 1: False, low: True, low + 1: True, 10**18: True}
