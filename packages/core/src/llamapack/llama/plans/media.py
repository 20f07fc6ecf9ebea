"""Images and audio as the parts of messages that llama.cpp's server takes."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llamapack.errors import InputError
from llamapack.llama.plans.steps import Plan, Work
from llamapack.media_files.fetching import fetch
from llamapack.media_files.kinds import kind_of
from llamapack.media_files.limits import MediaLimits
from llamapack.media_files.sources import (
    Form,
    check_file,
    decode_address,
    decode_base64,
    form_of,
    is_address,
    is_array,
    read_source,
)

_FETCHED = "Use Llama(..., fetch_urls=True) if those who write the prompts may choose what this machine connects to."


@dataclass(frozen=True, kw_only=True)
class MediaReader:
    """Makes parts of messages out of what callers give; what they give is checked.

    Addresses of web servers are left as they are, for `fetch_files`; without `fetch_urls` they are refused.
    """

    limits: MediaLimits = field(default_factory=MediaLimits)
    fetch_urls: bool = False

    def image(self, value: object) -> Mapping[str, Any]:
        """Return the part of an image."""
        return _image(self._address(value) or read_source(value, "image", self.limits))

    def audio(self, value: object) -> Mapping[str, Any]:
        """Return the part of audio."""
        return _audio(self._address(value) or read_source(value, "audio", self.limits))

    def any(self, value: object) -> Mapping[str, Any]:
        """Return the part of an image or audio: which of them, is in its file, its name or its type."""
        if isinstance(value, Path):
            kind = (mimetypes.guess_type(value.name)[0] or "").partition("/")[0]
            if kind not in ("image", "audio"):
                raise InputError(
                    f"{value} is no image or audio.",
                    why=f"By its name it is {mimetypes.guess_type(value.name)[0] or 'of an unknown type'}.",
                    fix="Give texts as str: path.read_text().",
                )
            return self.image(value) if kind == "image" else self.audio(value)
        if isinstance(value, (bytes, bytearray)):
            return self.audio(value) if form_of(bytes(value)) == "audio" else self.image(value)
        if isinstance(value, tuple) and len(value) == 2 and is_array(value[0]):
            return self.audio(value)
        if isinstance(value, (int, float, list, tuple, Mapping)) or value is None:
            raise InputError(f"A part of a message must be a text, a path, an image or audio, not {value!r}.")
        return self.image(value)

    def part(self, part: object) -> object:
        """Return a part of a message with its file as llama.cpp takes it; the same one if it has no file."""
        if not isinstance(part, Mapping):
            return part
        if part.get("type") == "image_url":
            return self._part(part, "image", part.get("image_url"), "url")
        if part.get("type") == "input_audio":
            return self._part(part, "audio", part.get("input_audio"), "data")
        return part

    def _part(self, part: Mapping[str, Any], form: Form, inner: object, key: str) -> Mapping[str, Any]:
        value = inner.get(key, inner.get("url")) if isinstance(inner, Mapping) else inner
        if not isinstance(value, str):
            raise InputError(f"A part of type {part['type']!r} must have a text in {key!r}: {_shortened(part)}.")
        make = _image if form == "image" else _audio
        if address := self._address(value):
            return make(address)
        if value[:5].lower() == "data:":
            data = decode_address(value, self.limits)
        elif form == "audio":
            data = decode_base64(value, self.limits)
        else:
            raise InputError(
                f"The address of an image in a message must begin with data: or https:, not {_shortened(value)}.",
                fix="For files of this machine, use images=[PATH], or a prompt such as [TEXT, Path(...)].",
            )
        return make(check_file(data, form, "The file of the part", self.limits))

    def _address(self, value: object) -> str:
        if not is_address(value):
            return ""
        if not self.fetch_urls:
            raise InputError(f"{_shortened(value)} is not fetched.", why="Nothing is by default.", fix=_FETCHED)
        return str(value)


def fetch_files(messages: Sequence[Mapping[str, Any]], reader: MediaReader) -> Plan[None]:
    """Replace the addresses of web servers in messages, in place: a conversation keeps the files."""
    for part in media_in(messages):
        form: Form = "image" if part["type"] == "image_url" else "audio"
        inner = part["image_url"] if form == "image" else part["input_audio"]
        if is_address(url := inner.get("url")):

            def get(url: str = url, form: Form = form) -> Mapping[str, Any]:
                data = check_file(fetch(url, reader.limits), form, url, reader.limits)
                return _image(data) if form == "image" else _audio(data)

            part.update((yield Work(function=get)))


def media_in(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the parts that are images and audio."""
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, (list, tuple)) else ():
            if isinstance(part, dict) and part.get("type") in ("image_url", "input_audio"):
                yield part


def base64_of(part: Mapping[str, Any]) -> str:
    """Return the file of a part in base64."""
    inner = part["image_url"]["url"] if part["type"] == "image_url" else part["input_audio"]["data"]
    return str(inner).rpartition(",")[2]


def _image(file: bytes | str) -> dict[str, Any]:
    url = file if isinstance(file, str) else f"data:image/{kind_of(file)};base64,{base64.b64encode(file).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _audio(file: bytes | str) -> dict[str, Any]:
    if isinstance(file, str):
        return {"type": "input_audio", "input_audio": {"url": file}}
    data = base64.b64encode(file).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": kind_of(file)}}


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
