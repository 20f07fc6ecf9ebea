"""Read parts of a file, with only a small part in memory."""

from __future__ import annotations

import struct
from typing import BinaryIO

from llamapack.errors import LlamapackError
from llamapack.gguf.strings import walk

_CHUNK = 1 << 18
_length = struct.Struct("<Q").unpack_from


class DamageError(LlamapackError):
    """Where a file is damaged, and how. Code that knows the file's name turns it into a ModelFormatError."""

    def __init__(self, at: int, reason: str) -> None:
        """Describe what is wrong at byte `at`."""
        super().__init__(f"At byte {at}: {reason}")


class Window:
    """A moving view of a file of `size` bytes; reading beyond the end raises DamageError."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read from `file`, which the caller closes."""
        self._file = file
        self.size = size
        self.buffer = b""
        self._start = 0

    def index(self, at: int, count: int, what: str) -> int:
        """Return the index in `buffer` of the `count` bytes at `at` of the file; raises DamageError beyond its end."""
        index = at - self._start
        if index >= 0 and index + count <= len(self.buffer):
            return index
        if at + count > self.size:
            raise DamageError(at, f"{what} needs {count} bytes, but the file ends after {self.size}.")
        self._file.seek(at)
        self.buffer = self._file.read(max(count, _CHUNK))
        self._start = at
        if len(self.buffer) < count:
            raise DamageError(at, f"{what} could not be read; the file became shorter.")
        return 0

    def unpack(self, at: int, form: struct.Struct, what: str) -> tuple[int, ...]:
        """Read the numbers of the format `form` at `at`."""
        # index() first: it replaces the buffer
        index = self.index(at, form.size, what)
        return form.unpack_from(self.buffer, index)

    def string(self, at: int, what: str, limit: int) -> bytes:
        """Read the string at `at`, which starts with its length; raises DamageError if it is longer than `limit`."""
        size = self.string_size(at, what)
        if size > limit:
            raise DamageError(at, f"{what} has {size} bytes; at most {limit} are allowed.")
        index = self.index(at + 8, size, what)
        return self.buffer[index : index + size]

    def string_size(self, at: int, what: str) -> int:
        """Return the length of the string at `at`; raises DamageError if the string exceeds the file."""
        index = self.index(at, 8, what)
        (size,) = _length(self.buffer, index)
        if size > self.size - at - 8:
            raise DamageError(at, f"{what} claims {size} bytes, but the file ends after {self.size}.")
        return int(size)

    def skip_strings(self, at: int, count: int, what: str) -> int:
        """Return the end of the `count` strings at `at`; raises DamageError if one of them exceeds the file."""
        while count:
            first = self.index(at, 8, what)
            index, left = walk(self.buffer, first, count)
            end = at + index - first
            if end > self.size:
                self._find_fault(at, count - left, what)
            at, count = end, left
        return at

    def _find_fault(self, at: int, count: int, what: str) -> None:
        """Walk over `count` strings again, slowly, to report the one that exceeds the file."""
        for _ in range(count):
            at += 8 + self.string_size(at, what)

    def read(self, at: int, size: int) -> bytes:
        """Return the `size` bytes at `at`."""
        index = self.index(at, size, "an array")
        return self.buffer[index : index + size]

    def int32s(self, at: int, count: int) -> tuple[int, ...]:
        """Return the `count` numbers at `at`."""
        return self.unpack(at, struct.Struct(f"<{count}i"), "an array")
