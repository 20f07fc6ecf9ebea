"""What the headers of BMP and GIF files say."""

from __future__ import annotations

import struct

from llamapack.media_files.headers import DamagedError, Header

_OLDEST = 12  # the size of the first header that BMP had


def read_bmp(data: bytes) -> Header:
    """Read the header of a BMP file; raises DamagedError."""
    if len(data) < 30:
        raise DamagedError("It has no header.")
    (size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if size == _OLDEST else "<ii", data, 18)
    (bits,) = struct.unpack_from("<H", data, 24 if size == _OLDEST else 28)
    compression = struct.unpack_from("<I", data, 30)[0] if size > _OLDEST and len(data) >= 34 else 0
    rows = (abs(width) * bits + 31) // 32 * 4 * abs(height)
    if compression in (0, 3) and len(data) < rows:
        raise DamagedError("It ends too early: pixels are missing.")
    return Header(width=abs(width), height=abs(height))


def read_gif(data: bytes) -> Header:
    """Read the header of a GIF file, and count its images; raises DamagedError."""
    if len(data) < 13:
        raise DamagedError("It has no header.")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _palette(flags)
    images = 0
    try:
        while data[at] != 0x3B and images < 2:
            if data[at] == 0x2C:
                images += 1
                at = _behind(data, at + 10 + _palette(data[at + 9]) + 1)
            elif data[at] == 0x21:
                at = _behind(data, at + 2)
            else:
                raise DamagedError(f"It is damaged at byte {at}.")
    except IndexError:
        if not images or at > len(data) + 1:
            raise DamagedError("It ends too early.") from None
    if not images:
        raise DamagedError("It has no image in it.")
    return Header(width=width, height=height, animated=images > 1)


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _behind(data: bytes, at: int) -> int:
    """Return where the blocks of data that begin at `at` end."""
    while size := data[at]:
        at += 1 + size
    return at + 1
