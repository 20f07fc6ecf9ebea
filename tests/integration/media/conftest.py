from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from llamapack import Model
from llamapack.media import Projector

from tests.support.gguf.files import bpe_vocabulary
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import write_projector

Load = Callable[[str], Projector]


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reads texts of bytes, `model.gguf`, and one with M-RoPE, `mrope.gguf`."""
    folder = tmp_path_factory.mktemp("media")
    write_model(folder / "model.gguf", "llama", vocabulary=bpe_vocabulary())
    write_model(folder / "mrope.gguf", "qwen2vl", vocabulary=bpe_vocabulary())
    for kind in ("llava", "gemma3", "qwen2vl", "ultravox"):
        write_projector(folder / f"{kind}.gguf", kind)
    return folder


@pytest.fixture(scope="session")
def small_model(media_folder: Path) -> Iterator[Model]:
    with Model(media_folder / "model.gguf") as model:
        yield model


@pytest.fixture(scope="session")
def load(media_folder: Path, small_model: Model) -> Load:
    """Load the projector of a kind for the small model, once, with one thread."""
    loaded: dict[str, Projector] = {}

    def load_once(kind: str) -> Projector:
        if kind not in loaded:
            loaded[kind] = Projector(small_model, media_folder / f"{kind}.gguf", n_threads=1, flash_attention="off")
        return loaded[kind]

    return load_once
