"""How long a FLAC file is, and how much of it there is to decode."""

from __future__ import annotations

from dataclasses import dataclass

from llamapack.media_files.headers import DamagedError


@dataclass(frozen=True, kw_only=True)
class FlacLength:
    """The length in seconds, and the samples of all channels together."""

    seconds: float
    samples: int


def flac_length(data: bytes) -> FlacLength:
    """Return the length that its header says; raises DamagedError if there is none."""
    if len(data) < 42 or data[4] & 0x7F:
        raise DamagedError("It has no header.")
    packed = int.from_bytes(data[18:26], "big")  # 20 bits of rate, 3 of channels, 5 of bits, 36 of samples
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    if not rate:
        raise DamagedError("Its rate is 0.")
    if not samples:
        raise DamagedError("Its header does not say how long it is.")
    return FlacLength(seconds=samples / rate, samples=samples * ((packed >> 41 & 7) + 1))
