"""What the server refuses: clients that may not ask, requests that are too much, and routes that would change it."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server.serving import LONG, SECONDS, Served, runners_of, wait_until

CHAT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil"])
def test_a_name_that_leads_here_by_dns_rebinding_is_refused(server: Served, host: str) -> None:
    status, error, _ = server.ask("GET", "/v1/models", headers={"Host": host})
    assert (status, error["error"]["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "app.localhost"])
def test_names_and_addresses_of_this_machine_are_taken(server: Served, host: str) -> None:
    assert server.ask("GET", "/v1/models", headers={"Host": host})[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1"])
def test_a_page_of_another_origin_is_refused_and_may_read_nothing(server: Served, origin: str) -> None:
    status, error, headers = server.ask("POST", "/v1/chat/completions", CHAT, {"Origin": origin})
    assert (status, error["error"]["code"]) == (403, "origin_not_allowed")
    assert [name for name in headers if name.startswith("access-control")] == []
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert server.ask("OPTIONS", "/v1/chat/completions", headers=preflight)[0] == 403


def test_what_browsers_ask_for_a_page_without_naming_it_is_refused(server: Served) -> None:
    assert server.ask("GET", "/v1/models", headers={"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert server.ask("GET", "/v1/models", headers={"Sec-Fetch-Site": "none"})[0] == 200
    own = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    assert server.ask("GET", "/v1/models", headers=own)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/props"),
        ("POST", "/lora-adapters"),
        ("GET", "/lora-adapters"),
        ("GET", "/slots"),
        ("POST", "/slots/0?action=save"),
        ("POST", "/slots/0?action=restore"),
        ("GET", "/cors-proxy?url=http://127.0.0.1/"),
        ("GET", "/tools"),
        ("POST", "/tools"),
        ("POST", "/models"),
        ("POST", "/models/unload"),
        ("GET", "/v1/stream/1"),
        ("POST", "/v1/chat/completions/control"),
        ("GET", "/v1/models/../../slots"),
        ("GET", "/v1/models/%2e%2e/%2e%2e/etc/passwd"),
        ("GET", "//etc/passwd"),
        ("POST", "/predict"),
    ],
)
def test_other_routes_are_not_there(server: Served, method: str, path: str) -> None:
    status, error, _ = server.ask(method, path, {} if method == "POST" else None)
    assert status in (404, 405)
    assert error["error"]["message"]


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "/etc/passwd", "..\\..\\windows", "a" * 10_000, "\x00"])
def test_names_of_models_open_no_files(server: Served, name: str) -> None:
    status, answer, _ = server.ask("POST", "/v1/chat/completions", {**CHAT, "model": name})
    assert status == 200
    assert "root:" not in json.dumps(answer)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a.png", "http://[::1]/", "file:///etc/passwd", "/etc/passwd"])
def test_no_request_makes_it_fetch_an_address(server: Served, url: str) -> None:
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    status, error, _ = server.ask("POST", "/v1/chat/completions", {**CHAT, "messages": picture})
    assert status >= 400
    assert re.search("nothing from the network|image input is not supported|not allowed", error["error"]["message"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"messages": "\xff\xfe"}',
        b'{"messages": [{"role": "user", "content": "\xed\xa0\x80"}]}',
        b"[" * 200_000 + b"]" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"messages": [{"role": "user", "content": "a"}], "max_tokens": 1e999}',
        b'{"messages": [{"role": "user", "content": "a"}], "grammar": "root ::= (((((((("}',
        b"\x00" * 1000,
    ],
    ids=["empty", "cut", "no UTF-8", "surrogate", "deep list", "deep object", "huge number", "grammar", "zeros"],
)
def test_a_body_that_is_wrong_is_the_clients_fault(server: Served, body: bytes) -> None:
    status, error, _ = server.ask("POST", "/v1/chat/completions", body)
    assert 400 <= status < 500, error
    assert error["error"]["message"]
    assert server.ask("POST", "/v1/chat/completions", CHAT)[0] == 200


PART = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\na\r\n'


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data; boundary=x", b"", 400),
        ("multipart/form-data", PART % b"file" + b"--x--\r\n", 400),
        ("multipart/form-data; boundary=y", PART % b"file" + b"--x--\r\n", 400),
        (f"multipart/form-data; boundary={'x' * 100_000}", b"--x", 400),
        ("multipart/form-data; boundary=x", PART % b"file", 400),
        ("text/plain", b"a", 400),
        ("multipart/form-data; boundary=x", PART % b"model" + b"--x--\r\n", 501),
    ],
    ids=["empty", "no boundary", "wrong boundary", "long boundary", "cut", "no form", "no file"],
)
def test_an_upload_that_is_wrong_is_answered_with_the_reason(
    server: Served, content_type: str, body: bytes, status: int
) -> None:
    before = server.runner
    found, error, _ = server.ask("POST", "/v1/audio/transcriptions", body, {"Content-Type": content_type})
    assert (found, bool(error["error"]["message"])) == (status, True)
    assert server.ask("POST", "/v1/chat/completions", CHAT)[0] == 200
    assert server.runner == before


def test_a_body_that_is_too_large_is_refused(server: Served) -> None:
    for headers, length in (({}, 100 << 20), ({"Expect": "100-continue"}, 100 << 20), ({}, 10**20 - 1)):
        with server.connect() as connection:
            head = f"POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            connection.sendall(head.encode() + b"\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")
    with server.connect() as connection:  # in chunks, without saying how much it will be
        connection.sendall(b"POST /completion HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                connection.sendall(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")
    wait_until(lambda: server.ask("POST", "/v1/chat/completions", CHAT)[0] == 200)


def test_a_head_that_is_too_large_is_refused(server: Served) -> None:
    for text in (b"X: " + b"a" * (1 << 20), b"".join(b"X%d: a\r\n" % number for number in range(100_000))):
        with server.connect() as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + text)
            with contextlib.suppress(ConnectionError):
                assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert server.ask("GET", "/health/live")[0] == 200


@pytest.mark.parametrize("head", ["", "Host: localhost\r\nHost: evil.example\r\n", "Host:\r\n"])
def test_a_request_needs_one_host(server: Served, head: str) -> None:
    with server.connect() as connection:
        connection.sendall(f"GET /v1/models HTTP/1.1\r\n{head}\r\n".encode())
        assert connection.recv(1000)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 403")


def test_beyond_this_machine_a_token_is_needed(serve: Callable[..., Served]) -> None:
    served = serve("--host", "0.0.0.0", wait=False)  # noqa: S104  # to see that it is protected
    wait_until(lambda: served.ask("GET", "/health/ready")[0] == 200)
    (token,) = [line.split()[-1] for line in served.lines if "clients need this token" in line]
    assert len(token) > 40
    for headers in ({}, {"Authorization": f"Bearer {token[:-1]}"}, {"Authorization": token}, {"X-Api-Key": "\xe4"}):
        status, error, answered = served.ask("GET", "/v1/models", headers=headers)
        assert (status, error["error"]["code"]) == (401, "invalid_api_key")
        assert answered["www-authenticate"] == "Bearer"
        assert served.ask("POST", "/v1/messages", {}, headers)[1]["error"]["type"] == "authentication_error"
        assert served.ask("GET", "/metrics", headers=headers)[0] == 401
        assert served.ask("GET", "/health", headers=headers)[1] == {"status": "ok"}
    for headers in ({"Authorization": f"bearer {token}"}, {"x-api-key": token}):
        assert served.ask("GET", "/v1/models", headers=headers)[0] == 200
    evil = {"Authorization": f"Bearer {token}", "Host": "evil.example"}
    assert served.ask("GET", "/v1/models", headers=evil)[0] == 403


def test_token_and_names_are_settings(serve: Callable[..., Served], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n", encoding="utf-8")
    page = "https://chat.example"
    served = serve("--api-key-file", str(file), "--allowed-host", "box.example", "--allowed-origin", page, wait=False)
    wait_until(lambda: served.ask("GET", "/health/ready")[0] == 200)
    assert "secret" not in served.log
    headers = {"Authorization": "Bearer secret", "Host": "box.example:80", "Origin": page}
    status, _, answered = served.ask("GET", "/v1/models", headers=headers)
    assert (status, answered["access-control-allow-origin"]) == (200, page)
    asked = {"Origin": page, "Access-Control-Request-Headers": "authorization", "Access-Control-Request-Method": "POST"}
    status, _, answered = served.ask("OPTIONS", "/v1/chat/completions", headers=asked)
    assert (status, answered["access-control-allow-headers"]) == (200, "authorization")
    assert served.ask("GET", "/v1/models", headers={**headers, "Origin": "https://evil.example"})[0] == 403


def test_a_queue_that_is_full_says_when_to_come_again(serve: Callable[..., Served], model_path: Path) -> None:
    small = ("--ctx-size", "256", "--parallel", "1", "-o", "context_shift=true", "--max-waiting", "1")
    served = serve(*small, model=model_path)
    with served.begin("POST", "/completion", LONG) as working:
        assert working.status == 200
        waiting = served.connect()
        body = json.dumps(LONG).encode()
        head = f"POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        waiting.sendall(head.encode() + body)
        wait_until(lambda: served.health()["requests"] == {"active": 1, "waiting": 1})
        for path, kind in (("/v1/completions", "rate_limit_error"), ("/v1/messages", "rate_limit_error")):
            status, error, headers = served.ask("POST", path, {"prompt": "a"})
            assert (status, error["error"]["type"]) == (429, kind)
            assert int(headers["retry-after"]) >= 1
        assert served.ask("POST", "/tokenize", {"content": "a"})[0] == 200
        waiting.close()
        wait_until(lambda: served.health()["requests"] == {"active": 1, "waiting": 0})
    wait_until(lambda: served.active() == 0)


def test_connections_that_ask_nothing_are_closed(serve: Callable[..., Served]) -> None:
    served = serve("--idle-seconds", "3")
    idle = [served.connect() for _ in range(600)]
    assert served.process.poll() is None
    full = [connection for connection in idle[520:] if connection.recv(100).startswith(b"HTTP/1.1 503 ")]
    assert full
    for connection in idle[100:]:
        connection.close()
    for connection in idle[:50]:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: loc")
    wait_until(lambda: served.ask("GET", "/health/live")[0] == 200)
    began = time.monotonic()
    for connection in idle[:100]:
        connection.settimeout(SECONDS)
        assert connection.recv(100) == b""
        connection.close()
    assert time.monotonic() - began < 10


def test_prompts_are_not_logged(serve: Callable[..., Served], model_path: Path) -> None:
    served = serve("--ctx-size", "256", model=model_path)
    secret = "Xylophone Zeppelin"  # noqa: S105
    served.ask("POST", f"/v1/completions?q={secret.split()[0]}", {"prompt": secret, "max_tokens": 4})
    served.ask("POST", "/v1/completions", {"prompt": secret, "max_tokens": "four"})
    served.ask("POST", f"/nowhere/{secret.split()[0]}", {"prompt": secret})
    assert served.end() == 0
    assert "/v1/completions 200" in served.log
    assert "Xylophone" not in served.log
    assert "Zeppelin" not in served.log
    assert runners_of(served.process.pid) == []
