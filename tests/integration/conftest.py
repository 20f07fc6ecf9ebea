"""What the integration tests run on: an installed wheel, a real model, and upstream's own programs.

The Nox session `integration` builds all three and names them in the environment.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import llamapack
import pytest

from tests.support.reference.made_models import write_model


def _named(variable: str) -> Path:
    if not (value := os.environ.get(variable)):
        raise pytest.UsageError(f"{variable} is not set.\nRun: nox -s integration")
    return Path(value)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Upstream's programs, built from the same tree and linked with the same libraries."""

    folder: Path

    def run(self, library: Path, program: str, *arguments: str | Path) -> str:
        """Run `program` on the backend in `library`; return what it printed."""
        command = [self.folder / "llamapack-reference", library, program, *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode()


@pytest.fixture(scope="session")
def model_path() -> Path:
    return _named("LLAMAPACK_TEST_MODEL")


@pytest.fixture(scope="session")
def reference() -> Reference:
    return Reference(folder=_named("LLAMAPACK_UPSTREAM_BIN"))


@pytest.fixture(scope="session")
def model(model_path: Path) -> Iterator[llamapack.Model]:
    with llamapack.Model(model_path) as model:
        yield model


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
