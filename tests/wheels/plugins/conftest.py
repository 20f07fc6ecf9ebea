"""A clean environment with the core wheel, in which tests install plug-ins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.plugin_environment import Place, make_place


@pytest.fixture(scope="module")
def shared(wheel: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The environment that the tests of a module share, with nothing but the core."""
    place = make_place(tmp_path_factory.mktemp("place"), wheel, model)
    place.keep()
    return place


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """The shared environment; what a test installs or removes there is undone after it."""
    yield shared
    shared.restore()
