"""Audio in files and of arrays: what is accepted, and what is refused and why."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack.errors import InputError
from llamapack.media_files import MediaLimits
from llamapack.media_files.audio import audio_file
from llamapack.media_files.flac import FlacLength, flac_length
from llamapack.media_files.mp3 import mp3_seconds
from llamapack.media_files.sources import read_source
from llamapack.media_files.wav import read_wav

from tests.support.llama.media_files import flac_head, mp3_frames, tone, wav

LIMITS = MediaLimits()
FACT = b"fact" + struct.pack("<II", 4, 2**31)


def test_wav_is_written_anew_without_what_decoders_would_believe() -> None:
    plain = wav(tone())
    padded = plain[:36] + FACT + b"LIST\3\0\0\0abc\0" + plain[36:]
    assert audio_file(plain, "it", LIMITS) == plain
    assert audio_file(padded, "it", LIMITS) == plain


def test_sizes_that_a_program_did_not_know_are_what_there_is() -> None:
    assert audio_file(wav(tone(), size=0xFFFFFFFF), "it", LIMITS) == wav(tone())


def test_extensible_form_is_what_it_stands_for() -> None:
    plain = wav(tone())
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16000, 32000, 2, 16, 22, 16, 4) + struct.pack("<H", 1) + b"\0" * 14
    longer = plain[:12] + b"fmt " + struct.pack("<I", len(form)) + form + plain[36:]
    assert audio_file(longer, "it", LIMITS) == plain


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is no audio.\nIt is empty.\nConvert it to WAV, MP3 or FLAC."),
        (b"\x89PNG\r\n\x1a\n", "it is no audio.\nIt is a file of kind png.\nGive it as images=[...]."),
        (b"OggS....", "it is no audio.\nIt is a file of kind ogg.\nConvert it to WAV, MP3 or FLAC."),
        (wav(tone())[:1000], "it is a damaged WAV file.\nIt ends too early: it has 956 of 16000 bytes of samples."),
        (wav(tone())[:30], "it is a damaged WAV file.\nIt has no samples in it."),
        (wav(tone(), code=2), "it is a damaged WAV file.\nIts samples are of the form 2 with 16 bits, which is not"),
        (wav(tone(), bits=12), "it is a damaged WAV file.\nIts samples are of the form 1 with 12 bits, which is not"),
        (wav(tone(), frame=0), "it is a damaged WAV file.\nIt says 1 channels of 16 bits in 0 bytes, and 16000 "),
        (wav(tone(), rate=1), "it is a damaged WAV file.\nIt says 1 channels of 16 bits in 2 bytes, and 1 samples"),
        (wav(tone(0)), "it has no audio in it: it is 0 seconds long."),
        (
            wav(np.zeros(16000 * 901, np.int16)),
            "it is 901 seconds long, more than the 900 that are allowed.\n"
            "Cut it, or allow more: MediaLimits(audio_seconds=N).",
        ),
        (flac_head(2**36 - 1), "it is 4294967 seconds long, more than the 900 that are allowed."),
        (
            flac_head(899 * 192_000, rate=192_000),
            "it has 172608000 samples, more than the 86400000 that 900 seconds may have.",
        ),
        (
            flac_head(200 * 96_000, rate=96_000, channels=8),
            "it has 153600000 samples, more than the 86400000 that 900 seconds may have.\n"
            "It has many samples a second, or many channels.\n",
        ),
        (flac_head(0), "it is a damaged FLAC file.\nIts header does not say how long it is."),
        (flac_head(5, rate=0), "it is a damaged FLAC file.\nIts rate is 0."),
        (b"fLaC", "it is a damaged FLAC file.\nIt has no header."),
        (mp3_frames(2, b"Xing" + struct.pack(">II", 1, 2**31)), "it is 56097532 seconds long, more than the 900 "),
        (b"ID3\4\0\0\0\0\0\0" + b"nothing", "it is a damaged MP3 file.\nIt has no frames of audio."),
    ],
)
def test_bad_files_are_refused_with_the_reason(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        audio_file(data, "it", LIMITS)
    assert str(caught.value).startswith(message)


def test_lengths_are_those_of_the_frames() -> None:
    assert mp3_seconds(b"ID3\4\0\0\0\0\0\3abc" + mp3_frames(10)) == pytest.approx(10 * 1152 / 44100)
    assert mp3_seconds(mp3_frames(3) + b"junk" + mp3_frames(2)) == pytest.approx(5 * 1152 / 44100)
    assert flac_length(flac_head(8000, channels=2)) == FlacLength(seconds=0.5, samples=16000)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("form", ["int16", "float32", "float64"])
def test_arrays_are_audio(channels: int, form: str) -> None:
    samples: Any = tone() if form == "int16" else (tone() / 32768).astype(form)
    if channels == 2:
        samples = np.stack([samples, samples], axis=1)
    found = read_wav(read_source((samples, 22050), "audio", LIMITS))
    assert (found.channels, found.rate, found.seconds) == (channels, 22050, len(tone()) / 22050)
    kind = {1: "<i2", 3: "<f4"}[found.code]
    assert np.array_equal(np.frombuffer(found.samples, kind).reshape(samples.shape), samples.astype(kind))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (tone(), "Audio must be a path, bytes, a data: address, or a pair of an array and its rate, not ndarray."),
        ((tone(), 3), "The rate of audio must be from 1000 to 384000 samples a second, not 3."),
        *(
            ((tone(), rate), f"The rate of audio must be from 1000 to 384000 samples a second, not {rate!r}.")
            for rate in (float("nan"), float("inf"), 16000.5, True, "16000", None)
        ),
        ((tone().astype(np.int32), 16000), "Audio must be of int16 or of finite floats from -1 to 1, not int32."),
        ((np.full(9, np.inf), 16000), "Audio must be of int16 or of finite floats from -1 to 1, not float64."),
        ((np.zeros((2, 500), np.int16), 16000), "An array of shape (2, 500) is no audio."),
        ((np.zeros(0, np.int16), 16000), "The array has no audio in it: it is 0 seconds long."),
        ((tone(), 16000, 3), "Audio must be a path, bytes, a data: address, or a pair of an array and its rate, not"),
    ],
)
def test_other_sources_are_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_source(given, "audio", LIMITS)
    assert str(caught.value).startswith(message)


def test_paths_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(tone()))
    assert read_source(tmp_path / "a.wav", "audio", LIMITS) == wav(tone())
