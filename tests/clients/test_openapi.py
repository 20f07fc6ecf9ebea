"""schemathesis asks what the OpenAPI document allows, and what it does not: every answer is one that it lists.

`-k "api and chat"` asks at some routes only; LLAMAPACK_TEST_REQUESTS says how many random requests there are at each,
beside those at the limits of every field.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from llamapack.server.openapi import OPERATIONS, document
from schemathesis.specs.openapi import checks

from tests.support.reference.made_models import write_model
from tests.support.server.serving import Served

REQUESTS = int(os.environ.get("LLAMAPACK_TEST_REQUESTS", "5"))
EMBEDS = ("/v1/embeddings", "/embedding", "/api/embed", "/api/embeddings")
ENDLESS = "/models/sse"
READ_HERE = ("/api/", "/models/")
"""Where this server reads requests itself; llama.cpp's passes over some values of a wrong type."""
NEXT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}


def schema(choose: Callable[[str], bool]) -> Any:
    """Return the document of some routes, with one path of each, for schemathesis."""
    chosen = [(each.method, path) for each in OPERATIONS if choose(path := each.paths[0]) and path != ENDLESS]
    return schemathesis.openapi.from_dict(dict(document(chosen, version="1")))


@schemathesis.check
def says_what_is_wrong(context: Any, response: Any, case: Any) -> None:
    """No request is a fault of the server, and each error has a message."""
    assert response.status_code < 500 or response.status_code == 501, response.text
    if response.status_code >= 400:
        error = response.json()["error"]
        assert error if isinstance(error, str) else error["message"]


CHECKS = [
    says_what_is_wrong,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
ask = settings(max_examples=REQUESTS, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def check(server: Served, case: Any) -> None:
    """Ask once, and look whether the server is what it was before."""
    strict = [checks.negative_data_rejection] if case.path.startswith(READ_HERE) else []
    case.call_and_validate(base_url=server.url, checks=[*CHECKS, *strict], timeout=60)


@pytest.fixture
def text_server(small: Served) -> Iterator[Served]:
    before = small.runner
    yield small
    assert small.ask("POST", "/v1/chat/completions", NEXT)[0] == 200
    assert small.runner == before


@pytest.fixture(scope="module")
def small(model_path: Path) -> Iterator[Served]:
    """A small context ends all answers soon."""
    served = Served(
        model_path, "--ctx-size", "256", "--parallel", "2", "--threads", "1", "-o", "warmup=false", "-o", "n_predict=8"
    )
    yield served
    assert served.end() == 0
    assert "Traceback" not in served.log


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("models")
    for name in ("a", "b"):
        write_model(folder / f"{name}.gguf", "llama", words="abcd")
    served = Served(folder, "--threads", "1", "--ctx-size", "64", "-o", "warmup=false")
    yield served
    assert served.end() == 0
    assert "Traceback" not in served.log


@schema(lambda path: path not in EMBEDS and not path.startswith("/models/")).parametrize()  # type: ignore[untyped-decorator]
@ask
def test_each_request_is_answered_as_described(text_server: Served, case: Any) -> None:
    check(text_server, case)


@schema(EMBEDS.__contains__).parametrize()  # type: ignore[untyped-decorator]
@ask
def test_vectors(embedder: Served, case: Any) -> None:
    check(embedder, case)


@schema(lambda path: path.startswith("/models/")).parametrize()  # type: ignore[untyped-decorator]
@ask
def test_managing(several: Served, case: Any) -> None:
    check(several, case)
    assert several.ask("POST", "/models/load", {"model": "a"})[0] == 200


def test_the_document_is_that_of_the_server(small: Served, several: Served) -> None:
    for served in (small, several):
        status, found, _ = served.ask("GET", "/openapi.json")
        assert status == 200
        assert found["openapi"] == "3.1.0"
        assert (ENDLESS in found["paths"]) == (served is several)
