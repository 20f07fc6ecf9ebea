"""How long an MP3 file is: its frames are counted, for no header says it that could be believed."""

from __future__ import annotations

import struct

from llamapack.media_files.headers import DamagedError

_BITRATES = {  # kbit/s, by the version's 1 or 2 and the layer
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)
_TAGS = (b"Xing", b"Info")


def mp3_seconds(data: bytes) -> float:
    """Return how long it is, or what a tag in it says if that is longer; raises DamagedError if it has no frames."""
    at, seconds, claimed = _behind_id3(data), 0.0, 0.0
    while at + 4 <= len(data):
        frame = _frame(data, at)
        if frame is None:
            at = data.find(b"\xff", at + 1)
            if at < 0:
                break
            continue
        size, samples, rate = frame
        seconds += samples / rate
        claimed = max(claimed, _claimed(data[at : at + size], samples, rate) if seconds == samples / rate else 0.0)
        at += size
    if not seconds:
        raise DamagedError("It has no frames of audio.")
    return max(seconds, claimed)


def _behind_id3(data: bytes) -> int:
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    first, second, third, fourth = data[6:10]
    return 10 + (first << 21 | second << 14 | third << 7 | fourth)


def _frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Return the bytes, the samples and the rate of the frame at `at`; None if there is none."""
    if data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
    bits, rate_index, padding = data[at + 2] >> 4, data[at + 2] >> 2 & 3, data[at + 2] >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or rate_index == 3:
        return None
    rate = _RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    kind = 1 if version == 3 else 2
    bitrate = _BITRATES[kind, layer][bits] * 1000
    if layer == 1:
        return (12 * bitrate // rate + padding) * 4, 384, rate
    samples = 576 if layer == 3 and kind == 2 else 1152
    return samples // 8 * bitrate // rate + padding, samples, rate


def _claimed(frame: bytes, samples: int, rate: int) -> float:
    """Return the seconds that a tag in the first frame says; decoders make room for as much."""
    for tag in _TAGS:
        at = frame.find(tag)
        if 0 <= at <= len(frame) - 12:
            flags, count = struct.unpack_from(">II", frame, at + 4)
            return count * samples / rate if flags & 1 else 0.0
    return 0.0
