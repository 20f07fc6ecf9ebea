"""What the segments of a JPEG file say."""

from __future__ import annotations

import re
import struct

from llamapack.media_files.exif import orientation
from llamapack.media_files.headers import DamagedError, Header

MOST_SCANS = 24
"""A progressive file has some ten scans. Each goes over the whole picture, however short it is."""

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_ALONE = {0x01, *range(0xD0, 0xD9)}  # without a length: restarts within a scan, and the beginning
_FRAMES = {0xC0, 0xC1, 0xC2}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_END, _SCAN, _APP1 = 0xD9, 0xDA, 0xE1


def read_header(data: bytes) -> Header:
    """Read the segments up to the end; raises DamagedError."""
    size: tuple[int, int] | None = None
    turned, scans, at = 1, 0, 2
    while found := _MARKER.search(data, at):
        marker, at = found[1][0], found.end()
        if marker in _ALONE:
            continue
        if marker == _END:
            break
        if at + 2 > len(data):
            raise DamagedError("It ends too early.")
        (length,) = struct.unpack_from(">H", data, at)
        if marker in _OTHER_FRAMES:
            raise DamagedError("It is lossless or arithmetically coded, which is not supported.")
        if marker in _FRAMES:
            if length < 8 or at + 7 > len(data):
                raise DamagedError("Its header is too short.")
            height, width = struct.unpack_from(">HH", data, at + 3)
            size = (width, height)
        elif marker == _APP1 and data[at + 2 : at + 8] == b"Exif\0\0":
            turned = orientation(data[at + 8 : at + length])
        elif marker == _SCAN:
            scans += 1
            if scans > MOST_SCANS:
                raise DamagedError(f"It has more than {MOST_SCANS} scans.")
        at += max(length, 2)
    else:
        raise DamagedError("It ends too early.")
    if size is None or not scans:
        raise DamagedError("It has no image in it.")
    return Header(width=size[0], height=size[1], orientation=turned)
