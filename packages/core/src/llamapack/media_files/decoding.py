"""Decode the bytes of a file in llama.cpp, with its assertions caught."""

from __future__ import annotations

import ctypes

from llamapack._native import _generated as api
from llamapack._native.calls import running
from llamapack._native.library import native, take_text
from llamapack._native.log import captured_errors


def decode_file(data: bytes, projector: api.mtmd_context_p | None = None) -> tuple[api.mtmd_bitmap_p | None, list[str]]:
    """Decode a file that `check_file` has let pass; return a native bitmap, which the caller owns, and what was logged.

    The bitmap is None if llama.cpp cannot decode the file. `projector` says which sample rate audio gets.
    """
    bitmap, message = api.mtmd_bitmap_p(), api.char_p()
    buffer = ctypes.cast(ctypes.c_char_p(data), ctypes.POINTER(ctypes.c_uint8))
    with captured_errors() as errors, running():
        native().llamapack_media_decode(projector, buffer, len(data), ctypes.byref(bitmap), ctypes.byref(message))
    errors += take_text(message).splitlines()
    return bitmap or None, errors
