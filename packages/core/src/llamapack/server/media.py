"""Images and audio in requests, checked before the model's process decodes them: how many, of which kind, how large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llamapack.errors import InputError
from llamapack.media_files.checks import check_image
from llamapack.media_files.kinds import AUDIO, kind_of
from llamapack.media_files.limits import MediaLimits
from llamapack.server.reading import read_object
from llamapack.server.refusal import Refusal

_HOLDERS = ("image_url", "input_audio", "input_video", "source", "video_url")
"""What the fields are called that hold a file, in the spellings of three interfaces."""
_FIELDS = ("data", "url")
_ELSEWHERE = ("http", "file://")
"""What is no content; the model's process refuses it."""
_LIMITS = MediaLimits()


def check_media(body: bytes, most: int) -> None:
    """Check all images and audio in the JSON of a request, `most` at most; raises Refusal. It may take seconds."""
    found = list(_media_in(read_object(body)))
    if len(found) > most:
        raise Refusal(413, "too_many_images", f"The request has {len(found)} images and audio, more than {most}.")
    for number, text in enumerate(found, 1):
        try:
            _check(text, f"Image or audio {number} of the request")
        except InputError as error:
            why = f" {error.why}" if error.why else ""
            raise Refusal(400, "invalid_image", f"{error.what}{why}") from None


def _media_in(value: Any) -> Iterator[str]:
    """Yield the texts in which llama.cpp's server finds files: `data:` addresses, or base64 alone."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, list):
            left += each
        elif isinstance(each, dict):
            for name, held in each.items():
                if name == "multimodal_data" and isinstance(held, list):
                    yield from (text for text in held if isinstance(text, str))
                elif name in _HOLDERS:
                    yield from _held(held)
            left += each.values()


def _held(value: Any) -> Iterator[str]:
    texts = [value.get(name) for name in _FIELDS] if isinstance(value, dict) else [value]
    yield from (text for text in texts if isinstance(text, str) and text and not text.startswith(_ELSEWHERE))


def _check(text: str, name: str) -> None:
    from llamapack.media_files.sources import decode_address, decode_base64  # with numpy, which others do not need

    data = decode_address(text, _LIMITS) if text.startswith("data:") else decode_base64(text, _LIMITS)
    if kind_of(data) in AUDIO:
        from llamapack.media_files.audio import audio_file

        audio_file(data, name, _LIMITS)
    else:
        check_image(data, name, _LIMITS)
