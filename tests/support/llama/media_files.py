"""Images and audio made for tests: of seeded noise, and as files."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]


def noise(seed: int = 0, height: int = 40, width: int = 30) -> Pixels:
    """Return an image of noise, of shape (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int = 40, width: int = 30) -> Pixels:
    """Return an image without sharp edges, no two quarters of which are alike."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (255 * y / height, 255 * x / width, 255 * (x + y) / (height + width))
    return np.asarray(np.stack(channels, axis=2), dtype=np.uint8)


def saved(pixels: Pixels, form: str, orientation: int = 1, **options: Any) -> bytes:
    """Return an image as a file of a form that Pillow writes."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    more = {"exif": exif} if orientation != 1 else {}
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **more, **options)
    return buffer.getvalue()


def block(name: bytes, data: bytes) -> bytes:
    """Return a block of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, packed: bytes, *, colour: int = 2, more: bytes = b"") -> bytes:
    """Return a PNG file with these packed pixels, whatever its header says."""
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    blocks = block(b"IHDR", header) + more + block(b"IDAT", packed) + block(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + blocks


def address(data: bytes, kind: str = "image/png") -> str:
    """Return a file as a data: address."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def wav(samples: npt.NDArray[np.int16], rate: int = 16000, **changes: int) -> bytes:
    """Return a WAV file of one channel; `changes` are wrong values: channels, frame, bits, code or size."""
    data = samples.astype("<i2").tobytes()
    channels, frame, bits = (changes.get(name, value) for name, value in (("channels", 1), ("frame", 2), ("bits", 16)))
    form = struct.pack("<HHIIHH", changes.get("code", 1), channels, rate, rate * 2, frame, bits)
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVE" + b"fmt " + struct.pack("<I", 16) + form
    return head + b"data" + struct.pack("<I", changes.get("size", len(data))) + data


def tone(seconds: float = 0.5, rate: int = 16000) -> npt.NDArray[np.int16]:
    """Return a tone of 440 Hz."""
    times = np.arange(round(seconds * rate)) / rate
    return np.asarray(8000 * np.sin(2 * np.pi * 440 * times), dtype=np.int16)


def mp3_frames(count: int, tag: bytes = b"") -> bytes:
    """Return silent frames of 128 kbit/s at 44,100 Hz, whose first may hold a tag."""
    frame = b"\xff\xfb\x90\x00" + b"\0" * 413
    first = frame[:36] + tag + frame[36 + len(tag) :]
    return first + frame * (count - 1) if count else b""


def flac_head(samples: int, rate: int = 16000, channels: int = 1) -> bytes:
    """Return the beginning of a FLAC file that says how long it is, and no frames."""
    packed = (rate << 44 | (channels - 1) << 41 | 15 << 36 | samples).to_bytes(8, "big")
    return b"fLaC" + b"\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + b"\0" * 6 + packed + b"\0" * 16
