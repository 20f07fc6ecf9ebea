"""Small files of images and audio, made here so that a test knows their content."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
RATE = 16_000
_SILENT_MP3_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)  # layer III, 128 kbit/s, 44,100 samples a second, two channels


def some_pixels(width: int = 40, height: int = 24, seed: int = 1) -> Pixels:
    """Return an image with slopes and noise."""
    random = np.random.default_rng(seed)
    slopes = np.add.outer(np.arange(height) * 3, np.arange(width) * 2)[..., None] + np.array([0, 40, 80])
    return np.asarray((slopes + random.integers(0, 40, (height, width, 3))) % 256, dtype=np.uint8)


def png(pixels: Pixels) -> bytes:
    """Return a PNG of RGB bytes."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def some_samples(count: int = 4000) -> NDArray[np.int16]:
    """Return a tone with noise."""
    noise = np.random.default_rng(3).integers(-500, 500, count)
    return np.asarray(8000 * np.sin(np.arange(count) * 0.17) + noise, dtype=np.int16)


def wav(samples: NDArray[np.int16], rate: int = RATE) -> bytes:
    """Return a WAV file of one channel of 16 bits."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def mp3(frames: int = 12) -> bytes:
    """Return an MP3 file of silence."""
    return _SILENT_MP3_FRAME * frames


def flac(samples: NDArray[np.int16], block: int = 1024) -> bytes:
    """Return a FLAC file of one channel of 16 bits, whose samples are not compressed."""
    count = len(samples)
    packed = RATE << 44 | 0 << 41 | 15 << 36 | count
    info = struct.pack(">HH", block, block) + bytes(6) + struct.pack(">Q", packed) + bytes(16)
    return b"fLaC" + struct.pack(">I", 0x80000000 | len(info)) + info + b"".join(_flac_frames(samples, block))


def _flac_frames(samples: NDArray[np.int16], block: int) -> Iterator[bytes]:
    for number, start in enumerate(range(0, len(samples), block)):
        part = samples[start : start + block]
        # fixed blocks of a size given in 16 bits, 16 kHz, one channel, 16 bits a sample
        header = b"\xff\xf8\x75\x08" + bytes([number]) + struct.pack(">H", len(part) - 1)
        header += bytes([_crc(header, 0x07, 8)])
        frame = header + b"\x02" + part.astype(">i2").tobytes()
        yield frame + struct.pack(">H", _crc(frame, 0x8005, 16))


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    found, top, mask = 0, 1 << bits - 1, (1 << bits) - 1
    for byte in data:
        found ^= byte << bits - 8
        for _ in range(8):
            found = (found << 1 ^ polynomial if found & top else found << 1) & mask
    return found
