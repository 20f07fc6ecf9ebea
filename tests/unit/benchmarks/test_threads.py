"""What is compared where cores are scarce, and how rates become a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.threads import OTHER, OURS, Case, Series, Setting, Setup, table

ALONE = Case(name="alone")


@pytest.fixture
def setup() -> Setup:
    return Setup(model=Path("m.gguf"), libraries={OURS: "", OTHER: "omp.so"}, cores=4, default=2, tokens=96)


def test_each_setting_is_measured_once_and_the_judged_one_is_first(setup: Setup) -> None:
    settings = setup.settings(ALONE)
    assert settings[0] == Setting(library=OURS, threads=2)
    assert [each.threads for each in settings] == [2, 1, 4, 2, 1, 4]
    assert len(set(settings)) == len(settings)


def test_more_threads_than_cores_are_among_the_cases(setup: Setup) -> None:
    assert [case.threads for case in setup.cases() if case.threads] == [6, 8, 16]


def test_ratios_are_to_the_best_and_to_openmp_of_the_same_round(setup: Setup) -> None:
    series, settings = Series(), setup.settings(ALONE)
    rates = {(OURS, 2): [80.0, 90.0], (OURS, 1): [100.0, 60.0], (OURS, 4): [10.0, 10.0]}
    rates |= {(OTHER, 2): [40.0, 100.0], (OTHER, 1): [1.0, 1.0], (OTHER, 4): [1.0, 1.0]}
    for setting in settings:
        series.of(ALONE, setting).extend(rates[setting.library, setting.threads])
    assert series.ratios(ALONE, settings) == ([0.8, 0.9], [2.0, 0.9])
    row = table(setup, [ALONE], series).splitlines()[2]
    assert row == "| alone | 85 | 80 | 10 | 70 | 1 | 1 | ours, 2: 85 | 0.850 | - | 1.450 | - |"
