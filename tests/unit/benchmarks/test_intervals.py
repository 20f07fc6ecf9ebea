"""The interval of the benchmarks' medians, and how a bar judges it."""

from __future__ import annotations

import math

import pytest

from benchmarks.intervals import FEWEST, Bar, Estimate, estimate


def coverage(count: int, cut: int) -> float:
    """Return how surely the values left after cutting `cut` at each end enclose the median."""
    return 1 - sum(math.comb(count, rank) for rank in range(cut + 1)) / float(2 ** (count - 1))


@pytest.mark.parametrize(("count", "low", "high"), [(6, 1, 6), (10, 2, 9), (12, 3, 10), (20, 6, 15), (100, 40, 61)])
def test_interval_ends_are_the_order_statistics_of_the_tables(count: int, low: int, high: int) -> None:
    values = [*range(2, count + 1, 2), *range(1, count + 1, 2)]
    assert estimate(values) == Estimate(median=(count + 1) / 2, low=low, high=high)
    assert coverage(count, low - 1) >= 0.95 > coverage(count, low)


def test_too_few_values_have_a_median_and_no_interval() -> None:
    assert FEWEST == 6
    assert estimate([3.0, 1.0, 2.0, 5.0, 4.0]) == Estimate(median=3.0, low=None, high=None)


def test_outlier_does_not_move_the_interval() -> None:
    calm = [1.0] * 10
    assert estimate([*calm[:9], 50.0]) == estimate(calm) == Estimate(median=1.0, low=1.0, high=1.0)


@pytest.mark.parametrize(
    ("bar", "reached"),
    [
        (Bar(side="at least", limit=0.98), True),
        (Bar(side="at least", limit=0.99), True),
        (Bar(side="at least", limit=1.0), False),
        (Bar(side="at most", limit=0.90), True),
        (Bar(side="at most", limit=0.89), False),
    ],
)
def test_bar_is_held_against_the_better_end(bar: Bar, reached: bool) -> None:
    assert bar.reached(Estimate(median=0.95, low=0.90, high=0.99)) is reached


def test_bar_says_nothing_without_an_interval() -> None:
    bare = Estimate(median=2.0, low=None, high=None)
    assert [Bar(side=side, limit=1.0).reached(bare) for side in ("at least", "at most")] == [None, None]
