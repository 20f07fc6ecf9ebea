"""The OpenAPI document says of each route what it takes and gives, and of no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from llamapack.server import ModelSettings, Settings
from llamapack.server.app import Application
from llamapack.server.openapi import OPERATIONS, document
from llamapack.server.runners.models import Models
from openapi_spec_validator import OpenAPIV31SpecValidator

ROUTES = [(each.method, path) for each in OPERATIONS for path in each.paths]


def application(*names: str) -> Application:
    settings = Settings()
    return Application(settings, Models([ModelSettings(path=Path(name), name=name) for name in names], settings))


def made(*, needs_token: bool = False, several: bool = False) -> Mapping[str, Any]:
    return document(ROUTES, version="1.2.3", needs_token=needs_token, several=several)


@pytest.mark.parametrize("needs_token", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_it_is_valid(needs_token: bool, several: bool) -> None:
    found = made(needs_token=needs_token, several=several)
    assert json.loads(json.dumps(found)) == found
    OpenAPIV31SpecValidator(found).validate()


def test_each_route_is_described_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llamapack.server.app.version", lambda _: "1.2.3")  # nothing is installed here
    one, several = application("one"), application("one", "two")
    assert len(ROUTES) == len(set(ROUTES))
    assert set(one.handlers) | set(several.handlers) == set(ROUTES)
    assert set(several.handlers) - set(one.handlers) == {
        ("GET", "/models/sse"),
        ("POST", "/models/load"),
        ("POST", "/models/unload"),
    }


def test_a_route_that_is_not_described_is_an_error() -> None:
    with pytest.raises(KeyError):
        document([("GET", "/nowhere")], version="1")


def test_each_schema_is_used() -> None:
    found = made()
    text = json.dumps(found)
    unused = [name for name in found["components"]["schemas"] if f'schemas/{name}"' not in text]
    assert unused == []


def test_the_token_is_asked_for_where_the_server_does() -> None:
    assert "security" not in made()
    found = made(needs_token=True)
    assert found["security"] == [{"bearer": []}, {"key": []}]
    open_routes = {path for path, methods in found["paths"].items() if methods.get("get", {}).get("security") == []}
    assert open_routes == {"/health", "/v1/health", "/health/live", "/health/ready"}
    with_token = {
        path for path, methods in found["paths"].items() for each in methods.values() if "401" in each["responses"]
    }
    assert with_token == set(found["paths"]) - open_routes


@pytest.mark.parametrize(
    ("path", "schema"),
    [("/v1/chat/completions", "Error"), ("/v1/messages", "AnthropicError"), ("/api/chat", "OllamaError")],
)
def test_errors_have_the_shape_of_the_routes_clients(path: str, schema: str) -> None:
    answers = made()["paths"][path]["post"]["responses"]
    assert set(answers) == {"200", "400", "403", "404", "408", "413", "429", "500", "501", "503", "504"}
    named = {answers[code]["content"]["application/json"]["schema"]["$ref"] for code in answers if code != "200"}
    assert named == {f"#/components/schemas/{schema}"}


def test_a_request_must_name_its_model_where_there_are_several() -> None:
    def wanted(found: Mapping[str, Any]) -> Any:
        return found["paths"]["/v1/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    request = {"$ref": "#/components/schemas/CompletionRequest"}
    assert wanted(made()) == request
    assert wanted(made(several=True)) == {"allOf": [request, {"required": ["model"]}]}
