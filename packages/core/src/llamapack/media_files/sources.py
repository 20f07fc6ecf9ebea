"""What a caller may give as an image or audio: paths, bytes, addresses, and objects of Pillow and numpy.

Those are recognised by where their types come from; nothing is imported for it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from llamapack.errors import InputError
from llamapack.media_files.audio import audio_file, audio_of_array
from llamapack.media_files.images import image_file, image_of_array, image_of_pillow
from llamapack.media_files.kinds import AUDIO, kind_of
from llamapack.media_files.limits import MediaLimits

Form = Literal["image", "audio"]

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_READERS: dict[str, Callable[[bytes, str, MediaLimits], bytes]] = {"image": image_file, "audio": audio_file}
_WANTED = {
    "image": "a path, bytes, a data: address, an image of Pillow or an array",
    "audio": "a path, bytes, a data: address, or a pair of an array and its rate",
}


def is_address(value: object) -> bool:
    """Return True for what is fetched from a web server."""
    return isinstance(value, str) and _ADDRESS.match(value) is not None


def read_source(value: object, form: Form, limits: MediaLimits) -> bytes:
    """Return what a caller gave as a file that llama.cpp decodes; not for addresses of web servers.

    Raises InputError for what cannot be read, is damaged, or is larger than the limits.
    """
    if isinstance(value, str) and value[:5].lower() == "data:":
        return check_file(decode_address(value, limits), form, "The data: address", limits)
    if isinstance(value, (str, os.PathLike)):
        path = Path(os.fsdecode(value))
        return check_file(_read(path, limits), form, str(path), limits)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return check_file(bytes(value), form, "What was given", limits)
    if form == "image" and is_pillow(value):
        return image_of_pillow(value, limits)
    if form == "image" and is_array(value):
        return image_of_array(value, limits)
    if form == "audio" and isinstance(value, tuple) and len(value) == 2 and is_array(value[0]):
        return audio_of_array(*value, limits)
    fix = "Give it with its rate: (samples, 16000)." if form == "audio" and is_array(value) else ""
    noun = "An image" if form == "image" else "Audio"
    raise InputError(f"{noun} must be {_WANTED[form]}, not {type(value).__name__}.", fix=fix)


def form_of(data: bytes) -> Form:
    """Return what a file is by its first bytes; "image" for what is neither, of which `check_file` says what it is."""
    return "audio" if kind_of(data) in AUDIO else "image"


def check_file(data: bytes, form: Form, name: str, limits: MediaLimits) -> bytes:
    """Return the file as one that llama.cpp decodes; `name` is for messages."""
    if len(data) > limits.file_bytes:
        raise _too_large(name, len(data), limits)
    return _READERS[form](data, name, limits)


def decode_address(address: str, limits: MediaLimits) -> bytes:
    """Return the bytes in an address `data:...;base64,...`; raises InputError."""
    head, comma, text = address.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise InputError(
            f"The data: address is not in base64: {address[:60]!r}.", fix='Write it as "data:image/png;base64,...".'
        )
    return decode_base64(text, limits)


def decode_base64(text: str, limits: MediaLimits) -> bytes:
    """Return what base64 stands for; raises InputError for what is none."""
    if len(text) // 4 * 3 > limits.file_bytes + 3:
        raise _too_large("The data: address", len(text) // 4 * 3, limits)
    text = "".join(text.split())
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InputError("The data is not base64.", why=str(error)) from error


def is_pillow(value: object) -> bool:
    """Return True for images of Pillow."""
    return _is_of(value, "PIL", "getexif", "convert", "width")


def is_array(value: object) -> bool:
    """Return True for arrays of numpy."""
    return _is_of(value, "numpy", "dtype", "shape", "ndim")


def _is_of(value: object, package: str, *has: str) -> bool:
    homes = {each.__module__.partition(".")[0] for each in type(value).__mro__}
    return package in homes and all(hasattr(value, name) for name in has)


def _read(path: Path, limits: MediaLimits) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limits.file_bytes + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{str(path)[:200]} cannot be read.", why=why, fix="Check the path.") from error
    if len(data) > limits.file_bytes:
        raise _too_large(str(path), max(len(data), path.stat().st_size), limits)  # a device has no size
    return data


def _too_large(name: str, size: int, limits: MediaLimits) -> InputError:
    return InputError(
        f"{name} has {size} bytes, more than the {limits.file_bytes} that are allowed.",
        fix="Give a smaller one, or allow more: MediaLimits(file_bytes=N).",
    )
