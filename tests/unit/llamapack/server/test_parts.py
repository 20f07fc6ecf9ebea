"""Small parts of the server: bodies, errors, numbers, what is missing, options of the command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import click
import pytest
from llamapack.cli.serve import read_option
from llamapack.errors import InstallationError
from llamapack.server import extra
from llamapack.server.bodies import Buffers, ClientGoneError
from llamapack.server.metrics import Metrics, with_model
from llamapack.server.refusal import Api, Refusal
from llamapack.server.routes import MODEL_ROUTES, api_of
from llamapack.server.settings import Limits


def read(buffers: Buffers, *messages: MutableMapping[str, Any], length: bytes = b"") -> bytes:
    async def ask() -> bytes:
        left = list(messages)

        async def receive() -> MutableMapping[str, Any]:
            if not left:
                await asyncio.sleep(10)
            return left.pop(0)

        headers = {b"content-length": length} if length else {}
        async with buffers.body(headers, receive) as body:
            assert buffers.held >= len(body)
            return body

    return asyncio.run(ask())


def part(data: bytes, *, more: bool = False) -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


def test_bodies_are_read_in_parts_and_counted_while_they_are_held() -> None:
    buffers = Buffers(Limits(body_bytes=10))
    assert read(buffers, part(b"abc", more=True), part(b"def")) == b"abcdef"
    assert buffers.held == 0


@pytest.mark.parametrize(
    ("length", "parts", "status"),
    [
        (b"11", [b"a"], 413),
        (b"9" * 20, [b"a"], 413),
        (b"", [b"a" * 6, b"b" * 5], 413),
        (b"3", [b"a" * 11], 413),
        (b"9", [b"a" * 9], 503),
    ],
)
def test_bodies_that_are_too_large_are_refused(length: bytes, parts: list[bytes], status: int) -> None:
    buffers = Buffers(Limits(body_bytes=10, buffered_bytes=8 if status == 503 else 100))
    messages = [part(each, more=True) for each in parts]
    with pytest.raises(Refusal) as caught:
        read(buffers, *messages, part(b""), length=length)
    assert (caught.value.status, buffers.held) == (status, 0)


def test_bodies_that_take_too_long_or_do_not_come() -> None:
    buffers = Buffers(Limits(body_seconds=0.01))
    with pytest.raises(Refusal) as caught:
        read(buffers, part(b"a", more=True))
    assert (caught.value.status, buffers.held) == (408, 0)
    with pytest.raises(ClientGoneError):
        read(buffers, part(b"a", more=True), {"type": "http.disconnect"})
    assert buffers.held == 0


@pytest.mark.parametrize(
    ("path", "status", "body", "event"),
    [
        (
            "/v1/chat/completions",
            429,
            {"error": {"message": "No.", "type": "rate_limit_error", "param": None, "code": "no"}},
            "data: ",
        ),
        (
            "/v1/messages",
            503,
            {"type": "error", "error": {"type": "overloaded_error", "message": "No."}},
            "event: error\n",
        ),
        (
            "/v1/messages",
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "No."}},
            "event: ",
        ),
        ("/api/chat", 404, {"error": "No."}, '{"error"'),
        (
            "/v1/responses",
            500,
            {"error": {"message": "No.", "type": "server_error", "param": None, "code": "no"}},
            'event: error\ndata: {"type": "error", "code": "no"',
        ),
    ],
)
def test_errors_have_the_shape_of_the_clients_api(path: str, status: int, body: object, event: str) -> None:
    refusal = Refusal(status, "no", "No.", retry_after=0.2)
    assert json.loads(refusal.body(api_of(path))) == body
    assert refusal.event(api_of(path), path).decode().startswith(event)
    assert (b"retry-after", b"1") in refusal.headers()


def test_a_message_may_have_any_characters() -> None:
    assert json.loads(Refusal(400, "no", '"\\\n\ud800ä').body(Api.OLLAMA).decode("utf-8", "replace"))["error"]


def test_no_route_changes_the_runner() -> None:
    paths = {(route.method, route.path) for route in MODEL_ROUTES}
    assert {path for method, path in paths if method == "GET"} == {"/v1/models", "/models", "/props"}
    assert not any(
        word in path for _, path in paths for word in ("slot", "lora", "tools", "proxy", "control", "stream")
    )
    assert ("POST", "/props") not in paths


def test_numbers_are_in_prometheus_format() -> None:
    metrics = Metrics()
    metrics.note("/health", 200, 0.02, 0.01, 5)
    metrics.note("/health", 200, 400.0, None, 5)
    lines = list(metrics.lines())
    assert 'llamapack_requests_total{route="/health",status="200"} 2' in lines
    assert 'llamapack_request_seconds_bucket{route="/health",le="0.05"} 1' in lines
    assert 'llamapack_request_seconds_bucket{route="/health",le="+Inf"} 2' in lines
    assert 'llamapack_first_byte_seconds_count{route="/health"} 1' in lines
    assert "llamapack_sent_bytes_total 10" in lines


def test_numbers_of_a_runner_get_the_name_of_its_model() -> None:
    text = ["# TYPE a counter", "a 1", 'b:c{x="y"} 2.5', ""]
    assert list(with_model(text, 'm"')) == [text[0], 'a{model="m\\""} 1', 'b:c{model="m\\"",x="y"} 2.5', ""]


def test_a_missing_package_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "PACKAGES", ("json", "no_such_package"))
    with pytest.raises(InstallationError, match=r"needs no_such_package(.|\n)*pip install \"llamapack\[serve\]\""):
        extra.require_extra()


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("ctx-size=5", "ctx_size", 5),
        ("embedding=true", "embedding", True),
        ("temp=0.5", "temp", 0.5),
        ("lora=a=b.gguf", "lora", "a=b.gguf"),
        ('chat-template-kwargs={"a": 1}', "chat_template_kwargs", '{"a": 1}'),
        ("alias=null", "alias", "null"),
    ],
)
def test_options_of_the_command(text: str, name: str, value: object) -> None:
    assert read_option(text) == (name, value)


def test_an_option_without_a_value_is_an_error() -> None:
    with pytest.raises(click.UsageError, match="takes NAME=VALUE"):
        read_option("embedding")
