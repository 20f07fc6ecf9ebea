"""WAV files, read and written."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt

from llamapack.errors import InputError
from llamapack.media_files.headers import DamagedError

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_BYTES = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8), _ALAW: (1,), _MULAW: (1,)}
_STREAMED = 0x7FFFFFFF
"""A size that programs write when they do not know it yet, or a larger one."""
MOST_CHANNELS = 32
RATES = range(1000, 384_001)


@dataclass(frozen=True, kw_only=True)
class Wav:
    """The samples of a file, in frames of one sample for each channel; `code` is WAV's number of their form."""

    code: int
    channels: int
    rate: int
    width: int
    samples: bytes

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / (self.channels * self.width * self.rate)

    def encode(self) -> bytes:
        """Write a file with nothing but its samples."""
        frame = self.channels * self.width
        form = struct.pack("<HHIIHH", self.code, self.channels, self.rate, self.rate * frame, frame, 8 * self.width)
        size = len(self.samples)
        head = struct.pack("<4sI4s4sI", b"RIFF", 36 + size + size % 2, b"WAVE", b"fmt ", len(form)) + form
        return head + struct.pack("<4sI", b"data", size) + self.samples + b"\0" * (size % 2)


def read_wav(data: bytes) -> Wav:
    """Read a file, and believe no size in it; raises DamagedError."""
    form, at = b"", 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if name == b"data":
            if len(body) < size < _STREAMED:
                raise DamagedError(f"It ends too early: it has {len(body)} of {size} bytes of samples.")
            return _read(form, body)
        if name == b"fmt ":
            form = body
        at += 8 + size + size % 2
    raise DamagedError("It has no samples in it.")


def _read(form: bytes, samples: bytes) -> Wav:
    if len(form) < 16:
        raise DamagedError("It does not say what its samples are.")
    code, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", form)
    if code == _EXTENSIBLE and len(form) >= 26:
        (code,) = struct.unpack_from("<H", form, 24)
    width = bits // 8
    if code not in _BYTES or width not in _BYTES[code] or bits % 8:
        raise DamagedError(f"Its samples are of the form {code} with {bits} bits, which is not supported.")
    if not 1 <= channels <= MOST_CHANNELS or frame != channels * width or rate not in RATES:
        raise DamagedError(f"It says {channels} channels of {bits} bits in {frame} bytes, and {rate} samples a second.")
    whole = len(samples) // frame * frame
    return Wav(code=code, channels=channels, rate=rate, width=width, samples=samples[:whole])


def _is_rate(rate: object) -> bool:
    if isinstance(rate, bool) or not isinstance(rate, Real):
        return False
    value = float(rate)
    return value.is_integer() and int(value) in RATES


def wav_of_array(samples: npt.NDArray[np.generic], rate: int) -> Wav:
    """Return samples as a file: of shape (n,) or (n, channels), floats from -1 to 1, or int16.

    Raises InputError for others.
    """
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= MOST_CHANNELS):
        raise InputError(
            f"An array of shape {tuple(samples.shape)} is no audio.",
            why="Audio has the shape (samples,) or (samples, channels).",
            fix="For channels in front, use samples.T." if samples.ndim == 2 else "",
        )
    if not _is_rate(rate):
        raise InputError(f"The rate of audio must be from {RATES[0]} to {RATES[-1]} samples a second, not {rate!r}.")
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    if samples.dtype == np.int16:
        data = np.asarray(samples, dtype="<i2").tobytes()
        return Wav(code=_PCM, channels=channels, rate=int(rate), width=2, samples=data)
    if samples.dtype.kind != "f" or not np.isfinite(np.asarray(samples, dtype=np.float64)).all():
        raise InputError(f"Audio must be of int16 or of finite floats from -1 to 1, not {samples.dtype}.")
    data = np.asarray(samples, dtype="<f4").tobytes()
    return Wav(code=_FLOAT, channels=channels, rate=int(rate), width=4, samples=data)
