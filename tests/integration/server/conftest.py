"""A server for all tests that leave it as they found it, and a way to start others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.llama.templates import TOOLS
from tests.support.server.serving import SMALL, Served, runners_of, serve_embedder, wait_until

NAME = "SmolLM2-135M-Instruct.Q4_1"
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The faults of these tests are kept in a folder of their own, and not shown to the user's doctor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def server(model_path: Path) -> Iterator[Served]:
    """The chat model, with a template that has tools, and two slots."""
    served = Served(model_path, *SMALL, "-o", f"chat_template={TOOLS}")
    yield served
    assert served.end() == 0
    assert "Traceback" not in served.log


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An embedding model."""
    served = serve_embedder(tmp_path_factory.mktemp("bert"))
    yield served
    served.end()


@pytest.fixture
def serve(tiny: Path) -> Iterator[Callable[..., Served]]:
    """Start servers of a tiny model, or another one, which are gone after the test."""
    started: list[Served] = []

    def start(*arguments: str, model: Path | None = tiny, **more: Any) -> Served:
        started.append(Served(model, "--threads", "1", *arguments, **more))
        return started[-1]

    yield start
    for served in started:
        served.kill()
        wait_until(lambda pid=served.process.pid: runners_of(pid) == [])  # type: ignore[misc]
