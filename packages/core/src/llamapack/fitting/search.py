"""The largest number that fits, with few measurements: each takes a process, and with a large model a second."""

from __future__ import annotations

from collections.abc import Callable


def largest(fits: Callable[[int], bool], lowest: int, highest: int, step: int = 1) -> int | None:
    """Return the largest of `lowest`, `highest` and the multiples of `step` between them that fits; None without one.

    What is smaller than a number that fits has to fit, too.
    """
    if fits(highest):
        return highest
    if lowest >= highest or not fits(lowest):
        return None
    good, bad = lowest // step, (highest - 1) // step + 1
    while (middle := (good + bad) // 2) > good:
        if fits(middle * step):
            good = middle
        else:
            bad = middle
    return max(lowest, good * step)
