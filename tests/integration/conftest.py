"""What the integration tests run on: an installed wheel, a real model, and upstream's own programs.

The Nox session `integration` builds all three and names them in the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import llamapack
import pytest

from tests.support.gguf.files import encode, tiny_model
from tests.support.given import given_path
from tests.support.reference.made_models import write_model
from tests.support.reference.upstream import Reference

SESSION = "nox -s integration"


@pytest.fixture(scope="session")
def model_path() -> Path:
    return given_path("LLAMAPACK_TEST_MODEL", SESSION)


@pytest.fixture(scope="session")
def sentence_wheel() -> Path:
    return given_path("LLAMAPACK_TEST_SENTENCE_MODEL", SESSION)


@pytest.fixture(scope="session")
def base_path() -> Path:
    """A model without a chat template, which was not trained to answer."""
    return given_path("LLAMAPACK_TEST_BASE_MODEL", SESSION)


@pytest.fixture(scope="session")
def reference() -> Reference:
    return Reference(folder=given_path("LLAMAPACK_UPSTREAM_BIN", SESSION))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a vocabulary and random weights, which loads and computes in milliseconds."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    path.write_bytes(encode(tiny_model()).data)
    return path


@pytest.fixture(scope="session")
def model(model_path: Path) -> Iterator[llamapack.Model]:
    with llamapack.Model(model_path) as model:
        yield model


@pytest.fixture(scope="session")
def vocab(model_path: Path) -> Iterator[llamapack.Vocab]:
    with llamapack.Model(model_path, vocab_only=True) as model:
        yield model.vocab


@pytest.fixture(scope="session")
def made_path(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write a made model of a kind, once: see tests/support/reference/made_models.py."""
    folder = tmp_path_factory.mktemp("made")

    def write(kind: str) -> Path:
        path = folder / f"{kind}.gguf"
        return path if path.exists() else write_model(path, kind)

    return write


@pytest.fixture(scope="session")
def made(made_path: Callable[[str], Path]) -> Iterator[Callable[[str], llamapack.Model]]:
    """Load a made model of a kind, once."""
    models: dict[str, llamapack.Model] = {}

    def load(kind: str) -> llamapack.Model:
        if kind not in models:
            models[kind] = llamapack.Model(made_path(kind))
        return models[kind]

    yield load
    for model in models.values():
        model.close()
