"""A stand-in hub, and an environment that asks only it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from llamapack.hub.transfer import transport

from tests.support.hub.models import DATA
from tests.support.hub.standing_in import Hub, serving

HUB = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH")
MODES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_XET", "HF_HUB_DOWNLOAD_TIMEOUT")
PROXIES = tuple(f"{kind}_proxy" for kind in ("http", "https", "all", "no"))
OTHERS = ("LLAMA_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS")
VARIABLES = (*HUB, *MODES, *OTHERS, *PROXIES, *(name.upper() for name in PROXIES))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the hub's cache, empty; nothing of the user's is seen."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "llamapack"))
    monkeypatch.setenv("LLAMAPACK_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "hf/hub"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that has nothing yet."""
    monkeypatch.setattr(transport, "FIRST_PAUSE", 0.001)
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield hub


@pytest.fixture
def one(hub: Hub) -> Hub:
    """A hub with a repository of one model."""
    hub.put("org/repo", {"a-Q8_0.gguf": DATA, "README.md": b"words"})
    return hub
