"""Tests of finished wheels pass whatever their process inherits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.hostile import runs

SAMPLE = {
    "core/test_contents.py::test_wheel_serves_every_python_of_its_platform": 1,
    "core/test_contents.py::test_libraries_are_those_of_the_matrix": 1,
    "audit/test_audit.py::test_good_libraries_break_no_rule": 1,
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals, umask and limits")
def test_a_sample_passes_whatever_is_inherited(tmp_path: Path) -> None:
    tests = [f"tests/wheels/{name}" for name in SAMPLE]
    runs.assert_tests_pass(tests, sum(SAMPLE.values()), tmp_path, *runs.INSTALLED)
