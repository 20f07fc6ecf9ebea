"""The OpenAPI document for the routes of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from llamapack.server.openapi.answers import ANSWERS
from llamapack.server.openapi.messages import MESSAGES
from llamapack.server.openapi.ollama import OLLAMA
from llamapack.server.openapi.operations import EVENTS, JSON, OPERATIONS, Operation
from llamapack.server.openapi.parts import Schema, named
from llamapack.server.openapi.texts import TEXTS
from llamapack.server.refusal import Api

VERSION = "3.1.0"
_TITLE = "llamapack serve"
_ABOUT = (
    "Models for OpenAI's, Anthropic's, Ollama's and llama.cpp's clients. Of a request, the fields are listed that are "
    "read; others are passed over."
)
_ERRORS = {Api.OPENAI: "Error", Api.ANTHROPIC: "AnthropicError", Api.OLLAMA: "OllamaError"}
_ALWAYS = (403,)
_SECURITY: Mapping[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
}
_MODEL_NEEDED: Schema = {"required": ["model"]}


def document(
    routes: Iterable[tuple[str, str]], *, version: str, needs_token: bool = False, several: bool = False
) -> Mapping[str, Any]:
    """Return the document for some routes, each a method and a path; `several` is whether there are several models.

    Raises KeyError for a route that is not described.
    """
    known = {(each.method, path): each for each in OPERATIONS for path in each.paths}
    paths: dict[str, dict[str, Any]] = {}
    for method, path in routes:
        made = _operation(known[method, path], path, needs_token=needs_token, several=several)
        paths.setdefault(path, {})[method.lower()] = made
    return {
        "openapi": VERSION,
        "info": {"title": _TITLE, "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**MESSAGES, **TEXTS, **OLLAMA, **ANSWERS},
            **({"securitySchemes": _SECURITY} if needs_token else {}),
        },
        **({"security": [{name: []} for name in _SECURITY]} if needs_token else {}),
    }


def _operation(each: Operation, path: str, *, needs_token: bool, several: bool) -> Mapping[str, Any]:
    guarded = needs_token and not each.open
    codes = sorted({*each.errors, *_ALWAYS, *((401,) if guarded else ())})
    made: dict[str, Any] = {
        "operationId": _name(each.method, path),
        "summary": each.about,
        "tags": [each.api.value],
        "responses": {**_success(each), **{str(code): _error(each, code) for code in codes}, **_not_ready(each)},
    }
    if each.takes:
        needed = several and each.names_model
        schema = {"allOf": [named(each.takes), _MODEL_NEEDED]} if needed else named(each.takes)
        made["requestBody"] = {"required": True, "content": {each.takes_type: {"schema": schema}}}
    if each.query:
        made["parameters"] = [{"name": name, "in": "query", "schema": value} for name, value in each.query.items()]
    if needs_token and each.open:
        made["security"] = []
    return made


def _success(each: Operation) -> Mapping[str, Any]:
    if not each.gives_types:
        return {}
    content = {kind: {"schema": named(each.gives)} if kind == JSON else {} for kind in each.gives_types}
    about = "The answer, or the first part of it as events." if EVENTS in content else "The answer."
    return {"200": {"description": about, "content": content}}


def _not_ready(each: Operation) -> Mapping[str, Any]:
    if not each.not_ready:
        return {}
    about = "The model is not loaded now."
    return {"503": {"description": about, "content": {JSON: {"schema": named(each.not_ready)}}}}


def _error(each: Operation, code: int) -> Mapping[str, Any]:
    return {
        "description": HTTPStatus(code).phrase,
        "content": {JSON: {"schema": named(_ERRORS[each.api])}},
        **({"headers": _RETRY} if code in (429, 503) else {}),
    }


_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}


def _name(method: str, path: str) -> str:
    return "_".join((method.lower(), *path.replace("-", "_").replace(".", "_").strip("/").split("/")))
