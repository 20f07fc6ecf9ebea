"""Audio of all kinds as files that llama.cpp decodes: WAV, MP3 and FLAC."""

from __future__ import annotations

from typing import Any

from llamapack.errors import InputError
from llamapack.media_files.flac import flac_length
from llamapack.media_files.headers import DamagedError
from llamapack.media_files.kinds import AUDIO, IMAGES, described, kind_of
from llamapack.media_files.limits import MediaLimits
from llamapack.media_files.mp3 import mp3_seconds
from llamapack.media_files.wav import read_wav, wav_of_array

STUDIO = 2 * 48_000
"""Samples of a second of audio as it is recorded: two channels."""


def audio_file(data: bytes, name: str, limits: MediaLimits) -> bytes:
    """Return the audio in a file as one that llama.cpp decodes; `name` is for messages.

    Raises InputError for what is no audio, is damaged, or is longer than the limits.
    """
    kind = kind_of(data)
    if kind not in AUDIO:
        fix = "Give it as images=[...]." if kind in IMAGES else "Convert it to WAV, MP3 or FLAC."
        raise InputError(f"{name} is no audio.", why=described(data), fix=fix)
    try:
        if kind == "wav":  # written anew: the decoder would believe sizes in it
            found = read_wav(data)
            data, seconds = found.encode(), found.seconds
        elif kind == "mp3":
            seconds = mp3_seconds(data)
        else:
            length = flac_length(data)
            seconds = length.seconds
            _check_length(seconds, name, limits)
            _check_samples(length.samples, name, limits)
    except DamagedError as problem:
        raise InputError(f"{name} is a damaged {kind.upper()} file.", why=str(problem)) from problem
    _check_length(seconds, name, limits)
    return data


def audio_of_array(samples: Any, rate: int, limits: MediaLimits) -> bytes:
    """Return samples as a WAV file; raises InputError for what is no audio."""
    found = wav_of_array(samples, rate)
    _check_length(found.seconds, "The array", limits)
    return found.encode()


def _check_samples(samples: int, name: str, limits: MediaLimits) -> None:
    """Refuse what takes long to decode though it is not long: silence has few bytes at any rate, in any channels."""
    if samples > (most := round(limits.audio_seconds * STUDIO)):
        raise InputError(
            f"{name} has {samples} samples, more than the {most} that {limits.audio_seconds:g} seconds may have.",
            why="It has many samples a second, or many channels.",
            fix="Convert it, or allow more: MediaLimits(audio_seconds=N).",
        )


def _check_length(seconds: float, name: str, limits: MediaLimits) -> None:
    if not seconds:
        raise InputError(f"{name} has no audio in it: it is 0 seconds long.")
    if seconds > limits.audio_seconds:
        raise InputError(
            f"{name} is {seconds:.0f} seconds long, more than the {limits.audio_seconds:g} that are allowed.",
            fix="Cut it, or allow more: MediaLimits(audio_seconds=N).",
        )
