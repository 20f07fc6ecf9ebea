"""Answers of HTTP are read alike however their bytes come."""

from __future__ import annotations

import pytest
from llamapack.runner.answers import AnswerReader, BrokenAnswerError
from llamapack.runner.connection import Address

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 7\r\n\r\n"
CHUNKED = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"5\r\ndata:\r\nc;name=value\r\n {}\r\n\r\n tail\r\n0\r\n\r\n"


def read(pieces: list[bytes]) -> tuple[int, str, bytes, bool]:
    reader = AnswerReader()
    body = b"".join(reader.feed(piece) for piece in pieces)
    return reader.status, reader.content_type, body, reader.ended


def cuts(data: bytes, seed: int) -> list[bytes]:
    places = sorted((seed * 7 + 13 * number) % len(data) for number in range(seed % 9))
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]


@pytest.mark.parametrize("seed", range(50))
def test_bytes_may_come_in_any_pieces(seed: int) -> None:
    assert read(cuts(PLAIN + b'{"a":1}', seed)) == (200, "application/json", b'{"a":1}', True)
    expected = (404, "text/event-stream", b"data: {}\r\n\r\n tail", True)
    assert read(cuts(CHUNKED + CHUNKS, seed)) == expected
    assert read([bytes([byte]) for byte in CHUNKED + CHUNKS]) == expected


def test_an_answer_without_a_body_ends_with_its_head() -> None:
    assert read([b"HTTP/1.1 204 No Content\r\n\r\n"]) == (204, "", b"", True)


@pytest.mark.parametrize("data", [b"", PLAIN + b"{", CHUNKED, CHUNKED + CHUNKS[:-5], PLAIN[:20]])
def test_a_part_of_an_answer_is_no_end(data: bytes) -> None:
    assert not read([data])[3]


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-server\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        CHUNKED + b"many\r\n",
        b"x" * 100_000,
    ],
)
def test_what_is_no_answer_is_an_error(data: bytes) -> None:
    with pytest.raises(BrokenAnswerError):
        AnswerReader().feed(data)


def test_a_path_cannot_add_lines_to_a_request() -> None:
    request = Address(key="secret", port=1).request("GET", "/a?b=c d\r\nX: y/é", b"{}")
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    assert first == b"GET /a?b=c%20d%0D%0AX:%20y/%C3%A9 HTTP/1.1"
    assert b"Authorization: Bearer secret" in fields
    assert b"Content-Length: 2" in fields
    assert body == b"{}"
