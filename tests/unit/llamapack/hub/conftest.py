"""A stand-in hub, and an environment that asks only it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub.environment import empty_cache, only_hub
from tests.support.hub.models import DATA
from tests.support.hub.standing_in import Hub


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the hub's cache, empty; nothing of the user's is seen."""
    return empty_cache(tmp_path, monkeypatch)


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that has nothing yet."""
    with only_hub(monkeypatch) as hub:
        yield hub


@pytest.fixture
def one(hub: Hub) -> Hub:
    """A hub with a repository of one model."""
    hub.put("org/repo", {"a-Q8_0.gguf": DATA, "README.md": b"words"})
    return hub
