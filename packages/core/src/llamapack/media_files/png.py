"""What the header and the blocks of a PNG file say."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from llamapack.media_files.exif import orientation
from llamapack.media_files.headers import DamagedError, Header

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_STEP = 1 << 20


def read_header(data: bytes) -> Header:
    """Read the header; raises DamagedError."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise DamagedError("It has no header.")
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if colour not in _CHANNELS or depth not in (1, 2, 4, 8, 16) or interlaced > 1:
        raise DamagedError("Its header names colours that there are not.")
    turned, animated = 1, False
    for name, start, end in _blocks(data):
        if name == b"eXIf":
            turned = orientation(data[start:end])
        animated |= name == b"acTL"
    return Header(width=width, height=height, orientation=turned, animated=animated)


def check(data: bytes) -> None:
    """Raise DamagedError for fewer pixels than the header says, or many more: decoders unpack whatever is there."""
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    row = (width * depth * _CHANNELS[colour] + 7) // 8 + 1
    most = row * height + (8 * height + 7 * row + 64 if data[28] else 0)  # those of the seven passes are rounded up
    unpacker, size = zlib.decompressobj(), 0
    try:
        for name, start, end in _blocks(data):
            if name == b"IDAT":
                rest = data[start:end]
                while rest and not unpacker.eof:
                    size += len(unpacker.decompress(rest, _STEP))
                    rest = unpacker.unconsumed_tail
                    if size > most:
                        why = f"It unpacks to more than the {most} bytes that {width} x {height} pixels need."
                        raise DamagedError(why)
    except zlib.error as error:
        raise DamagedError(f"Its pixels cannot be unpacked: {error}.") from error
    if not unpacker.eof or size < (row - 1) * height:
        raise DamagedError("It ends too early: pixels are missing.")


def _blocks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each block, and where its data begins and ends."""
    at = 8
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"IEND" or size > len(data) - at - 8:
            return
        yield name, at + 8, at + 8 + size
        at += 12 + size
