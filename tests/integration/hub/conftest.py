"""A stand-in hub with small models, which load and compute in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub.environment import empty_cache, only_hub
from tests.support.hub.models import model
from tests.support.hub.standing_in import Hub


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the hub's cache, empty; nothing of the user's is seen."""
    return empty_cache(tmp_path, monkeypatch)


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one model in two quantizations."""
    with only_hub(monkeypatch) as hub:
        hub.put("org/repo", {"a-Q4_K_M.gguf": model("small"), "a-Q8_0.gguf": model("large", more=10)})
        yield hub
