"""The core that the plug-ins of these tests are built for."""

from __future__ import annotations

from pathlib import Path

import llamapack
import pytest

from tests.support.plugins.making import Core, installed_core


@pytest.fixture(scope="session")
def core() -> Core:
    """The installed core."""
    return installed_core(Path(llamapack.__file__).parent)
