"""Who may ask: names, origins and tokens, without a server."""

from __future__ import annotations

import pytest
from llamapack.server.guard import Guard
from llamapack.server.refusal import Refusal
from llamapack.server.settings import Settings, is_loopback

LOCAL = {b"host": b"localhost:8080"}


def code(guard: Guard, path: str = "/v1/models", **headers: str) -> str:
    """Return the code of the refusal; empty if there is none."""
    given = {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in headers.items()}
    try:
        guard.check(path, {**LOCAL, **given})
    except Refusal as refusal:
        return refusal.code
    return ""


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("LOCALHOST.:80", True),
        ("chat.localhost", True),
        ("127.0.0.1:8080", True),
        ("192.168.1.2", True),
        ("[::1]:8080", True),
        ("", False),
        ("example.com", False),
        ("127.0.0.1.example.com", False),
        ("127.0.0.1@example.com", False),
        ("localhost:80:90", False),
        ("notlocalhost", False),
        ("[::1", False),
        ("2130706433", False),
        ("0x7f.1", False),
    ],
)
def test_names_of_this_server(host: str, allowed: bool) -> None:
    assert (code(Guard(Settings()), host=host) == "") is allowed


def test_names_that_were_given() -> None:
    guard = Guard(Settings(hosts=("Box.Example",)))
    assert code(guard, host="box.example:80") == ""
    assert code(guard, host="x.box.example") == "host_not_allowed"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:8080", True),
        ("https://localhost:8080", True),
        ("http://localhost", False),
        ("http://localhost:8081", False),
        ("null", False),
        ("https://chat.example", True),
        ("https://chat.example.evil", False),
        ("http://chat.example", False),
        ("file://", False),
    ],
)
def test_origins(origin: str, allowed: bool) -> None:
    guard = Guard(Settings(origins=("https://Chat.example/",)))
    assert (code(guard, origin=origin) == "") is allowed


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, False),
        ({"authorization": "Bearer secret"}, True),
        ({"authorization": "bearer  secret "}, True),
        ({"authorization": "secret"}, False),
        ({"authorization": "Basic secret"}, False),
        ({"authorization": "Bearer secre"}, False),
        ({"authorization": "Bearer"}, False),
        ({"x_api_key": "secret"}, True),
        ({"x_api_key": "s\xe4cret"}, False),
        ({"authorization": "Bearer wrong", "x_api_key": "secret"}, False),
    ],
)
def test_tokens(headers: dict[str, str], allowed: bool) -> None:
    guard = Guard(Settings(token="secret"))  # noqa: S106
    assert (code(guard, **headers) == "") is allowed
    assert code(guard, "/health", **headers) == ""
    assert code(guard, "/metrics", **headers) == ("" if allowed else "invalid_api_key")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, True) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")),
        *((host, False) for host in ("0.0.0.0", "::", "192.168.1.1", "example.com")),  # noqa: S104
    ],
)
def test_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
