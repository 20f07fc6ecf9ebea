"""Every test process begins in the same state, whatever started it: see tools/util/inherited.py."""

from __future__ import annotations

import os
import sys

import pytest

from tools.util import inherited

# Before the other conftests are imported: numpy, for one, reads its variables at import.
SETTLED = inherited.settle(keep=inherited.told_to_tests())
os.environ.update(inherited.FIXED_IN_TESTS)


def pytest_plugin_registered(manager: pytest.PytestPluginManager) -> None:
    """Start again, if need be, as soon as pytest knows this file: before other conftests, and what they import."""
    if SETTLED.needs_restart:
        if capture := manager.getplugin("capturemanager"):
            capture.stop_global_capturing()  # it holds the standard streams
        SETTLED.restart()


def pytest_configure() -> None:
    if sys.flags.optimize:
        raise pytest.UsageError("This Python was started with -O, and leaves out assert.\nStart it without.")
