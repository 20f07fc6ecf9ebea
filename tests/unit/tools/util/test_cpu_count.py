"""As many compilers and tests run as this process may use processors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.util import cpu_count


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def test_all_processors_without_a_limit(tmp_path: Path) -> None:
    assert cpu_count.parallel_jobs({}, tmp_path) == 8


@pytest.mark.parametrize(("limit", "expected"), [("200000 100000", 2), ("50000 100000", 1), ("max 100000", 8)])
def test_limit_of_the_control_group_holds(tmp_path: Path, limit: str, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(limit + "\n")
    assert cpu_count.parallel_jobs({}, tmp_path) == expected


@pytest.mark.parametrize(("quota", "expected"), [("300000", 3), ("-1", 8)])
def test_limit_of_an_old_control_group_holds(tmp_path: Path, quota: str, expected: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cpu_count.parallel_jobs({}, tmp_path) == expected


@pytest.mark.parametrize(("chosen", "expected"), [("3", 3), ("0", 8), ("many", 8), ("", 8)])
def test_number_of_the_person_comes_first(tmp_path: Path, chosen: str, expected: int) -> None:
    assert cpu_count.parallel_jobs({"CMAKE_BUILD_PARALLEL_LEVEL": chosen}, tmp_path) == expected


def test_number_of_compilers_says_nothing_about_the_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMAKE_BUILD_PARALLEL_LEVEL", "3")
    assert cpu_count.processors(tmp_path) == 8
