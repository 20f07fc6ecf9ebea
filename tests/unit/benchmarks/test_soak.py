"""How the soak run tells memory that grows from memory that is flat."""

from __future__ import annotations

import pytest

from benchmarks.soak import ALLOWANCE, judge

MB = 1_000_000


def test_memory_that_settles_is_flat() -> None:
    verdict = judge("cycles", 100, [100 * MB, 130 * MB, *[131 * MB] * 98])
    assert (verdict.flat, verdict.bound, verdict.largest) == (True, 131 * MB + ALLOWANCE, 131 * MB)
    assert str(verdict) == (
        "cycles, 100: first 100.0, warm-up up to 131.0, bound 135.0, then up to 131.0, last 131.0 MB: flat"
    )


def test_slow_leak_is_found() -> None:
    verdict = judge("tokens", 200, [100 * MB + 50_000 * step for step in range(200)])
    assert not verdict.flat
    assert str(verdict).endswith(": GROWS")


def test_peak_that_goes_away_again_is_found() -> None:
    assert not judge("cycles", 40, [100 * MB] * 30 + [120 * MB] + [100 * MB] * 9).flat


def test_memory_that_moves_in_the_warm_up_may_move_as_much_later() -> None:
    samples = [100 * MB, 110 * MB] * 20
    assert judge("cycles", 40, samples).bound == 120 * MB
    assert judge("cycles", 40, [*samples, 119 * MB]).flat
    assert not judge("cycles", 40, [*samples, 121 * MB]).flat


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^2 samples are too few: 2 of them are the warm-up\.$"):
        judge("cycles", 2, [1, 2])
