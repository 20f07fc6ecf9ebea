"""Images as arrays: decoded, turned, and written as PNG."""

from __future__ import annotations

import struct
import zlib
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from llamapack._native.library import native
from llamapack.errors import InputError
from llamapack.media_files.decoding import decode_file

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""Of shape (height, width, 3): red, green, blue."""
_LARGE = 12 << 20
"""Bytes of pixels that take a third of a second to compress, at the most."""


def decode(data: bytes) -> Pixels | None:
    """Return the pixels of a PNG, JPEG, BMP or GIF file as llama.cpp decodes it; None if it cannot."""
    found, _ = decode_file(data)
    if found is None:
        return None
    try:
        width, height = native().mtmd_bitmap_get_nx(found), native().mtmd_bitmap_get_ny(found)
        pixels = np.ctypeslib.as_array(native().mtmd_bitmap_get_data(found), (height, width, 3))
        return np.array(pixels, dtype=np.uint8)
    finally:
        native().mtmd_bitmap_free(found)


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Return the image as it is to be seen: `orientation` is Exif's number, from 1 to 8."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def encode_png(pixels: Pixels) -> bytes:
    """Write a PNG file, quickly rather than small: large images are not compressed."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # each begins with its filter: none
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(rows.tobytes(), 1 if rows.size < _LARGE else 0)
    blocks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in blocks
    )


def from_array(array: npt.NDArray[np.generic]) -> Pixels:
    """Return an array as pixels: (height, width[, 1, 3 or 4]) of uint8, uint16, bool, or floats from 0 to 1.

    Raises InputError for others. A fourth channel, alpha, is left out, as llama.cpp does with that of files.
    """
    shape = tuple(array.shape)
    if len(shape) == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in shape:
        raise InputError(
            f"An array of shape {shape} is no image.",
            why="An image has the shape (height, width), or (height, width, channels) with 1, 3 or 4 channels.",
            fix="For a channel in front, use array.transpose(1, 2, 0)."
            if len(shape) == 3 and shape[0] in (1, 3)
            else "",
        )
    values = _to_bytes(array)
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values[:, :, :3]


def _to_bytes(array: npt.NDArray[np.generic]) -> Pixels:
    kind = array.dtype
    if kind == np.uint8:
        return np.asarray(array, dtype=np.uint8)
    if kind == np.bool_:
        return np.asarray(array, dtype=np.uint8) * np.uint8(255)
    if kind == np.uint16:
        return np.asarray(np.asarray(array, dtype=np.uint16) >> 8, dtype=np.uint8)
    if kind.kind == "f":
        values = np.asarray(array, dtype=np.float64)
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise InputError("An image of floats must have values from 0 to 1.", fix="Or use array.astype(np.uint8).")
        return np.asarray(np.rint(values * 255), dtype=np.uint8)
    raise InputError(f"An array of {kind} is no image.", fix="Use uint8, or floats from 0 to 1.")
