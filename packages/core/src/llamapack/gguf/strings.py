"""Walk over arrays of strings: long ones in libllamapack if it is available, else in Python, ten times slower."""

from __future__ import annotations

import ctypes
import struct
from functools import lru_cache
from typing import TYPE_CHECKING

from llamapack.errors import InstallationError

if TYPE_CHECKING:
    from llamapack._native import _generated as api

_MANY = 2000
_length = struct.Struct("<Q").unpack_from


def walk(buffer: bytes, index: int, count: int) -> tuple[int, int]:
    """Walk over `count` strings from `index`; return the end of the last one walked and how many are left.

    Some are left if the buffer ends before the length of the next one. The end may be beyond the buffer.
    """
    library = _library() if count > _MANY else None
    if library is None:
        return _walk(buffer, index, count)
    from llamapack._native import _generated as api

    rest = buffer[index:]
    end = ctypes.c_uint64()
    left = library.llamapack_gguf_skip_strings(
        ctypes.cast(ctypes.c_char_p(rest), api.c_uint8_p), len(rest), count, ctypes.byref(end)
    )
    return index + end.value, left


def _walk(buffer: bytes, index: int, count: int) -> tuple[int, int]:
    length, left = _length, count
    try:
        for left in range(count, 0, -1):  # noqa: B007 - what is left when the buffer ends
            index += 8 + length(buffer, index)[0]
        left = 0
    except (struct.error, OverflowError):
        pass
    return index, left


def find_duplicate(raw: bytes, count: int) -> tuple[int, int] | None:
    """Return the indices of two strings in `raw` that are the same token to llama.cpp; None if there are none."""
    library = _library() if count > _MANY else None
    if library is None:
        return _find_duplicate(raw, count)
    from llamapack._native import _generated as api

    data = ctypes.cast(ctypes.c_char_p(raw), api.c_uint8_p)
    first, second = ctypes.c_int64(), ctypes.c_int64()
    library.llamapack_gguf_find_duplicate(data, len(raw), count, ctypes.byref(first), ctypes.byref(second), None)
    return None if second.value < 0 else (first.value, second.value)


def _find_duplicate(raw: bytes, count: int) -> tuple[int, int] | None:
    seen: dict[bytes, int] = {}
    at = 0
    for number in range(count):
        end = at + 8 + _length(raw, at)[0]
        # as llama.cpp reads them: up to a NUL, and without empty ones
        text = raw[at + 8 : end].split(b"\0", 1)[0] or f"[EMPTY_{number}]".encode()
        if seen.setdefault(text, number) != number:
            return seen[text], number
        at = end
    return None


@lru_cache(maxsize=1)
def _library() -> api.Native | None:
    from llamapack._native.library import native

    try:
        return native()
    except InstallationError:  # loading a model will report it; reading a file needs no library
        return None
