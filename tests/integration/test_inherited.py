"""Tests of the installed package pass whatever their process inherits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.hostile import runs

SAMPLE = {
    "native/test_safety.py::test_ctrl_c_stops_a_running_call": 1,
    "native/test_safety.py::test_ctrl_c_while_a_model_is_loaded_is_not_lost": 1,
    "native/test_log.py::test_what_happens_in_a_handler_comes_out_after_the_call": 2,
    "native/test_log.py::test_objects_left_open_at_exit_are_freed_without_a_word": 1,
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals, umask and limits")
def test_a_sample_passes_whatever_is_inherited(tmp_path: Path) -> None:
    tests = [f"tests/integration/{name}" for name in SAMPLE]
    runs.assert_tests_pass(tests, sum(SAMPLE.values()), tmp_path, *runs.INSTALLED)
