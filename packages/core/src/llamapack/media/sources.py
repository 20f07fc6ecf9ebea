"""The bytes of a file: what it is, and how large it will be in memory, before it is decoded.

llama.cpp's decoders take memory for what a header promises. So headers are read here first, and formats that are not
known here are refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from llamapack.errors import InputError

MAX_PIXELS = 100_000_000
MAX_SECONDS = 3600
_SMALLEST_FRAME = 24  # bytes of a frame of MP3 at 8 kbit/s
_MP3_BYTES = 16_000  # a second, at 128 kbit/s
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_CONVERT_IMAGE = "Convert it to PNG, JPEG, GIF or BMP, or decode it with Pillow and use Media.from_pixels."
_CONVERT_AUDIO = "Convert it to WAV, MP3 or FLAC, or decode it elsewhere and use Media.from_samples."


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a file is: pixels of an image, or seconds of audio, as its header says."""

    kind: Literal["image", "audio"]
    format: str
    size: tuple[int, int] | None = None
    seconds: float | None = None


def inspect(data: bytes) -> Source:
    """Return what `data` is; raises InputError for formats that are not supported, and for damaged headers."""
    try:
        found = _image(data) or _audio(data)
    except (struct.error, IndexError):
        raise InputError(f"The file of {len(data)} bytes is truncated: its header is not complete.") from None
    if found is None:
        raise InputError(
            f"The {len(data)} bytes are not an image or audio that can be read: they begin with {data[:8]!r}.",
            why="WebP is not supported." if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else "",
            fix=_CONVERT_IMAGE if data else "Give the bytes of a file.",
        )
    return found


def check_size(source: Source, max_pixels: int, max_seconds: float) -> None:
    """Raise InputError for an image with more pixels, and audio with more seconds."""
    if source.size is not None:
        width, height = source.size
        if not width or not height:
            raise InputError(
                f"The {source.format} image is {width} x {height} pixels large.", fix="Give a whole image."
            )
        if width * height > max_pixels:
            raise InputError(
                f"The {source.format} image has {width} x {height} pixels, more than max_pixels={max_pixels}.",
                fix="Scale it down, or give a larger max_pixels.",
            )
    if source.seconds is not None and source.seconds > max_seconds:
        raise InputError(
            f"The {source.format} audio is {source.seconds:,.0f} seconds long, more than max_seconds={max_seconds:g}.",
            fix="Cut it, or give a larger max_seconds.",
        )


def _image(data: bytes) -> Source | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Source(kind="image", format="PNG", size=struct.unpack_from(">II", data, 16))
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Source(kind="image", format="GIF", size=struct.unpack_from("<HH", data, 6))
    if data.startswith(b"BM"):
        (header,) = struct.unpack_from("<I", data, 14)
        width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
        return Source(kind="image", format="BMP", size=(abs(width), abs(height)))
    if data.startswith(b"\xff\xd8\xff"):
        return Source(kind="image", format="JPEG", size=_jpeg_size(data))
    return None


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return the largest size that a frame header states: a file may have several."""
    at, found = 2, (0, 0)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)
            if at < 0:
                break
            continue
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 5)
            found = max(found, (width, height), key=lambda size: size[0] * size[1])
        at += 2 + max(2, struct.unpack_from(">H", data, at + 2)[0])
    if found == (0, 0):
        raise InputError("The JPEG file has no image: no frame header is in it.", why="It is truncated or damaged.")
    return found


def _audio(data: bytes) -> Source | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return Source(kind="audio", format="WAV", seconds=_wav_seconds(data))
    if data.startswith(b"fLaC"):
        (packed,) = struct.unpack_from(">Q", data, 18)
        rate, samples = packed >> 44, packed & (1 << 36) - 1
        if not rate:
            raise InputError("The FLAC file has a sample rate of 0.", fix=_CONVERT_AUDIO)
        return Source(kind="audio", format="FLAC", seconds=samples / rate)
    if data.startswith(b"ID3") or (len(data) >= 12 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0):
        return Source(kind="audio", format="MP3", seconds=_mp3_seconds(data))
    return None


def _wav_seconds(data: bytes) -> float:
    at, frame, rate = 12, 0, 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"fmt ":
            kind, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", data, at + 8)
            frame = min(block, channels * bits // 8)
            if kind not in (1, 3, 6, 7, 0xFFFE) or not frame or not rate:
                raise InputError(
                    f"The WAV file is of a kind that is not supported: format {kind}, {channels} channels of {bits} "
                    f"bits, {rate} samples a second.",
                    fix=_CONVERT_AUDIO,
                )
        if name == b"data":
            if not frame:
                break
            if size > (left := len(data) - at - 8):
                raise InputError(
                    f"The WAV file is truncated: it says that {size} bytes of samples follow, but {left} do.",
                    fix="Get the whole file, or write it again with its length.",
                )
            return float(size / frame / rate)
        at += 8 + size + size % 2
    raise InputError("The WAV file has no samples: no chunk `data` follows a chunk `fmt `.", fix=_CONVERT_AUDIO)


def _mp3_seconds(data: bytes) -> float:
    """Return about how long the file is, at 128 kbit/s; raises InputError for a tag that promises too many frames."""
    most = len(data) // _SMALLEST_FRAME
    at = max(data.find(tag, 0, 1 << 20) for tag in (b"Xing", b"Info"))
    if at >= 0 and len(data) >= at + 12 and data[at + 7] & 1:
        (promised,) = struct.unpack_from(">I", data, at + 8)
        if promised > most:
            raise InputError(
                f"The MP3 file is truncated or damaged: it says that it has {promised} frames, but {len(data)} bytes "
                f"hold at most {most}.",
                fix="Get the whole file.",
            )
    return len(data) / _MP3_BYTES
