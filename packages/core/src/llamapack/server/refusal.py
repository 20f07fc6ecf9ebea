"""A request that is not answered as the client wants, and how each API says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any


class Api(Enum):
    """Whose client asks, which decides on the shape of errors."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    OLLAMA = "ollama"


class Refusal(Exception):  # noqa: N818  # what is refused is a request; nothing is wrong with the server
    """Why a request gets no answer: an HTTP status, a code for programs, and a message for people."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        """Take the parts; `retry_after` is in seconds, and None where to ask again is no use."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of the answer, but for its length."""
        found = [(b"content-type", b"application/json")]
        if self.retry_after is not None:
            found.append((b"retry-after", str(max(1, round(self.retry_after))).encode()))
        if self.status == 401:
            found.append((b"www-authenticate", b"Bearer"))
        return found

    def body(self, api: Api) -> bytes:
        """Return the body of the answer, as clients of this API read it."""
        return _encode(_SHAPES[api](self))

    def event(self, api: Api, path: str) -> bytes:
        """Return what is sent of it in a stream that has begun."""
        if api is Api.OLLAMA:
            return self.body(api) + b"\n"
        if api is Api.ANTHROPIC:
            return b"event: error\ndata: " + self.body(api) + b"\n\n"
        if path.endswith("/responses"):
            event = {"type": "error", "code": self.code, "message": self.message, "param": None, **_openai(self)}
            return b"event: error\ndata: " + _encode(event) + b"\n\n"
        return b"data: " + self.body(api) + b"\n\n"


_OPENAI_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_ANTHROPIC_KINDS = {**_OPENAI_KINDS, 413: "request_too_large", 503: "overloaded_error", 504: "timeout_error"}


def _openai(refusal: Refusal) -> Mapping[str, Any]:
    other = "server_error" if refusal.status >= 500 else "invalid_request_error"
    kind = _OPENAI_KINDS.get(refusal.status, other)
    return {"error": {"message": refusal.message, "type": kind, "param": None, "code": refusal.code}}


def _anthropic(refusal: Refusal) -> Mapping[str, Any]:
    return anthropic_error(refusal.status, refusal.message)


def _ollama(refusal: Refusal) -> Mapping[str, Any]:
    return {"error": refusal.message}


_SHAPES = {Api.OPENAI: _openai, Api.ANTHROPIC: _anthropic, Api.OLLAMA: _ollama}


def anthropic_error(status: int, message: str) -> Mapping[str, Any]:
    """Return an error as Anthropic's clients read it."""
    kind = _ANTHROPIC_KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def _encode(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
