"""How an image must be turned, as a camera notes it: the Exif tag Orientation."""

from __future__ import annotations

import struct

_TAG = 0x0112
_SHORT = 3
_MOST_TAGS = 512


def orientation(tiff: bytes) -> int:
    """Return the orientation, from 1 (as it is) to 8, out of Exif's data; 1 if it has none that can be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        for number in range(min(count, _MOST_TAGS)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * number)
            if tag == _TAG:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:  # it ends too early
        pass
    return 1
