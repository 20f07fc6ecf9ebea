"""The median of paired ratios or differences, with an interval that needs no assumption about how they are spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CONFIDENCE = 0.95
FEWEST = 6  # below, not even the smallest and the largest value enclose the median this surely


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A median and the interval that holds the true one with 95 % confidence, or None where the rounds are too few."""

    median: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a measurement has to reach: at least or at most `limit`."""

    side: Literal["at least", "at most"]
    limit: float

    def reached(self, estimate: Estimate) -> bool | None:
        """Tell if the interval reaches the limit, at its better end; None without an interval."""
        if self.side == "at least":
            return None if estimate.high is None else estimate.high >= self.limit
        return None if estimate.low is None else estimate.low <= self.limit


def estimate(values: Sequence[float]) -> Estimate:
    """Return the median of `values` with its interval.

    The number of values below the true median is binomial, so two of the sorted values enclose it as surely as the
    tails of that distribution say.
    """
    ordered, rank = sorted(values), _rank(len(values))
    if rank is None:
        return Estimate(median=statistics.median(ordered), low=None, high=None)
    return Estimate(median=statistics.median(ordered), low=ordered[rank], high=ordered[-1 - rank])


def _rank(count: int) -> int | None:
    """Return how many values can be cut off at each end."""
    tail, cut = 0.0, None
    for rank in range(count // 2):
        tail += math.comb(count, rank) / 2**count
        if 2 * tail > 1 - CONFIDENCE:
            break
        cut = rank
    return cut
