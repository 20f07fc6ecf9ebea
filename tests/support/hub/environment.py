"""An environment without anything of the user's: no hub but a stand-in, no token, no models, no names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from llamapack.hub.transfer import transport

from tests.support.hub.standing_in import Hub, serving

HUB = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH")
MODES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_XET", "HF_HUB_DOWNLOAD_TIMEOUT")
PROXIES = tuple(f"{kind}_proxy" for kind in ("http", "https", "all", "no"))
OTHERS = ("LLAMA_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS")
VARIABLES = (*HUB, *MODES, *OTHERS, *PROXIES, *(name.upper() for name in PROXIES))


def empty_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let all that llamapack keeps be in `folder`; return where the hub's cache will be."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(folder / "llamapack"))
    monkeypatch.setenv("LLAMAPACK_CONFIG_DIR", str(folder / "config"))
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.setenv("OLLAMA_MODELS", str(folder / "ollama"))
    return folder / "hf/hub"


@contextmanager
def only_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Run a hub that has nothing yet, and let it be the only one."""
    monkeypatch.setattr(transport, "FIRST_PAUSE", 0.001)
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield hub
