"""How long a FLAC file is."""

from __future__ import annotations

from llamapack.media_files.headers import DamagedError


def flac_seconds(data: bytes) -> float:
    """Return the length that its header says; raises DamagedError if there is none."""
    if len(data) < 42 or data[4] & 0x7F:
        raise DamagedError("It has no header.")
    packed = int.from_bytes(data[18:26], "big")  # 20 bits of rate, 3 of channels, 5 of bits, 36 of samples
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    if not rate:
        raise DamagedError("Its rate is 0.")
    if not samples:
        raise DamagedError("Its header does not say how long it is.")
    return samples / rate
