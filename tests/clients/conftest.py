"""Models, and a server with tools and images that other programs' clients ask; nothing else is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.given import given_path
from tests.support.llama.templates import TOOLS
from tests.support.reference.made_projectors import write_projector
from tests.support.server.serving import SMALL, Served, serve_embedder

SESSION = "nox -s test-clients"


@pytest.fixture(scope="session", autouse=True)
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What these clients read: no file of the user, nothing from the network."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        patch.setenv("LLM_USER_PATH", str(folder))
        patch.setenv("LLAMAPACK_CACHE_DIR", str(folder))
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def model_path() -> Path:
    return given_path("LLAMAPACK_TEST_MODEL", SESSION)


@pytest.fixture(scope="session")
def base_path() -> Path:
    """A model without a chat template."""
    return given_path("LLAMAPACK_TEST_BASE_MODEL", SESSION)


@pytest.fixture(scope="session")
def server(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    projector = write_projector(tmp_path_factory.mktemp("projector") / "mmproj.gguf", width=576)
    options = [word for word in SMALL if word not in ("-o", "context_shift=true", "warmup=false")]
    served = Served(
        model_path, *options, "-o", f"chat_template={TOOLS}", "-o", f"mmproj={projector}", "-o", "warmup=false"
    )
    yield served
    assert served.end() == 0
    assert "Traceback" not in served.log


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = serve_embedder(tmp_path_factory.mktemp("bert"))
    yield served
    served.end()
