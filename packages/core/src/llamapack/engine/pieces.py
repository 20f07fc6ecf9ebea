"""Take a native request's response piece by piece."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from llamapack._native import _generated as api
from llamapack._native.library import native

CANCELLED = 499
"""The status of a request that was cancelled, as proxies write it."""


class Piece(NamedTuple):
    """What was there: data, or the end; neither of them if nothing came in time."""

    status: int
    content_type: str
    data: bytes = b""
    ended: bool = False


def take(request: api.llamapack_request_p, timeout_ms: int) -> Piece:
    """Take what is there, or wait for it at most so many milliseconds."""
    found = api.llamapack_piece()
    native().llamapack_request_next(request, timeout_ms, ctypes.byref(found))
    return Piece(
        status=found.status,
        content_type=(found.content_type or b"").decode(),
        data=ctypes.string_at(found.data, found.size) if found.size else b"",
        ended=found.kind == api.llamapack_piece_kind.END,
    )
