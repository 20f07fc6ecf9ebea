"""Files from web servers: what is fetched, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from llamapack.errors import InputError
from llamapack.media_files import MediaLimits
from llamapack.media_files.fetching import fetch, is_public

LIMITS = MediaLimits(file_bytes=1000, redirects=2)
DATA = b"an image"


class Handler(BaseHTTPRequestHandler):
    """Answers by the path."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to"))
            self.end_headers()
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://[::1]:1/secret")
            self.end_headers()
        elif self.path in ("/cat.png", "/large", "/slow"):
            self.send_response(200)
            self.end_headers()
            if self.path == "/slow":
                threading.Event().wait(5)
            self.wfile.write(DATA if self.path == "/cat.png" else b"x" * 5000)
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def this_machine(address: str) -> bool:
    return address == "127.0.0.1"


def test_file_is_fetched_also_where_it_was_moved(server: str) -> None:
    assert fetch(f"{server}/cat.png", LIMITS, this_machine) == DATA
    assert fetch(f"{server}/to/to/cat.png", LIMITS, this_machine) == DATA


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/to/to/to/cat.png", "It is redirected more than 2 times."),
        ("/large", "It has more than the 1000 bytes that are allowed."),
        ("/none", "The server answers 404 Not Found."),
        (
            "/away",
            "It is redirected to 'http://[::1]:1/secret': ::1 is ::1, which is not an address in the public internet.",
        ),
    ],
)
def test_what_is_not_fetched_has_a_reason(path: str, why: str, server: str) -> None:
    with pytest.raises(InputError) as caught:
        fetch(f"{server}{path}", LIMITS, this_machine)
    assert str(caught.value) == f"'{server}{path}' cannot be fetched.\n{why}"


def test_servers_may_not_take_too_long(server: str) -> None:
    with pytest.raises(InputError, match="It takes too long"):
        fetch(f"{server}/slow", MediaLimits(fetch_seconds=0.3), this_machine)


def test_addresses_of_this_network_are_refused(server: str) -> None:
    with pytest.raises(InputError, match=r"127\.0\.0\.1 is 127\.0\.0\.1, which is not an address in the public inter"):
        fetch(f"{server}/cat.png", LIMITS)
    with pytest.raises(InputError, match=r"localhost is \S+, which is not an address in the public internet"):
        fetch(server.replace("127.0.0.1", "localhost"), LIMITS)


@pytest.mark.parametrize("url", ["http:///a", "http://[", "ftp://example.org/a", "http://a:99999/"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="cannot be fetched"):
        fetch(url, LIMITS)


def test_passwords_are_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        fetch("http://me:secret@127.0.0.1:1/a", LIMITS)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "ff02::1"),
        *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1:2::"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)
