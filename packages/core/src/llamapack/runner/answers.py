"""Answers of HTTP 1.1 out of bytes, for whoever gets the bytes: threads and asyncio alike.

Only what llama.cpp's server sends: a length, or chunks. Its connections serve one request each.
"""

from __future__ import annotations

PIECE_BYTES = 1 << 16
"""How much is received at once."""
_LARGEST_HEAD = 1 << 16


class BrokenAnswerError(ConnectionError):
    """What came is no answer of HTTP."""


class AnswerReader:
    """Takes the bytes of one answer, and gives those of its body."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.status = 0
        self.content_type = ""
        self.ended = False
        self._rest = b""
        self._left: int | None = None  # bytes of the body, or of the chunk
        self._chunked = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes, and return what they add to the body; raises BrokenAnswerError."""
        self._rest += data
        if not self.status and not self._read_head():
            return b""
        return self._read_chunks() if self._chunked else self._read_plain()

    def _read_head(self) -> bool:
        head, found, rest = self._rest.partition(b"\r\n\r\n")
        if not found:
            if len(self._rest) > _LARGEST_HEAD:
                raise BrokenAnswerError("The head of an answer has no end.")
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        words = first.split(" ", 2)
        length = fields.get("content-length", "0")
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit() or not length.isdigit():
            raise BrokenAnswerError(f"This is no answer of HTTP: {first[:200]!r}")
        self.status, self.content_type, self._rest = int(words[1]), fields.get("content-type", ""), rest
        self._chunked = fields.get("transfer-encoding", "").lower() == "chunked"
        self._left = None if self._chunked else int(length)
        return True

    def _read_plain(self) -> bytes:
        assert self._left is not None
        found, self._rest = self._rest[: self._left], b""
        self._left -= len(found)
        self.ended = self._left == 0
        return found

    def _read_chunks(self) -> bytes:
        found = []
        while not self.ended and self._rest:
            if self._left is None:
                line, complete, rest = self._rest.partition(b"\r\n")
                if not complete:
                    break
                self._left, self._rest = _size_of(line), rest
                self.ended = self._left == 0  # trailers may follow, and say nothing
            elif len(self._rest) >= self._left + 2:
                found.append(self._rest[: self._left])
                self._rest, self._left = self._rest[self._left + 2 :], None
            else:
                break
        return b"".join(found)


def _size_of(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise BrokenAnswerError(f"This is no size of a chunk: {line[:200]!r}") from None
