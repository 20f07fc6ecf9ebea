"""The median of paired ratios or differences, with a confidence interval for any distribution."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CONFIDENCE = 0.95
FEWEST = 6  # with fewer, not even the smallest and the largest value enclose the median with 95 % confidence


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A median with its 95 % confidence interval, or None as the interval if there are too few rounds."""

    median: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Return the median, with its interval if there is one."""
        interval = "" if self.low is None else f" ({self.low:.3f} … {self.high:.3f})"
        return f"{self.median:.3f}{interval}"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The limit that a measurement has to reach: at least or at most `limit`."""

    side: Literal["at least", "at most"]
    limit: float

    def verdict(self, estimate: Estimate) -> str:
        """Return `pass`, `FAIL`, or `-` without an interval."""
        return {True: "pass", False: "FAIL", None: "-"}[self.reached(estimate)]

    def reached(self, estimate: Estimate) -> bool | None:
        """Return True if the better end of the interval reaches the limit; None without an interval."""
        if self.side == "at least":
            return None if estimate.high is None else estimate.high >= self.limit
        return None if estimate.low is None else estimate.low <= self.limit


def estimate(values: Sequence[float]) -> Estimate:
    """Return the median of `values` with its confidence interval.

    The number of values below the true median has a binomial distribution; its tails tell which two of the sorted
    values enclose the median with that confidence.
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
