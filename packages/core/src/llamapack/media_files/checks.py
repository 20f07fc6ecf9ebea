"""What the file of an image says of itself, checked before any pixel is decoded; without numpy."""

from __future__ import annotations

from llamapack.errors import InputError
from llamapack.media_files import bitmaps, jpeg, png
from llamapack.media_files.headers import DamagedError, Header
from llamapack.media_files.kinds import AUDIO, IMAGES, described, kind_of
from llamapack.media_files.limits import MediaLimits

_READ = {"png": png.read_header, "jpeg": jpeg.read_header, "bmp": bitmaps.read_bmp, "gif": bitmaps.read_gif}


def check_image(data: bytes, name: str, limits: MediaLimits) -> Header:
    """Return the header of an image that llama.cpp decodes; `name` is for messages.

    Raises InputError for what is no such image, is damaged, or is larger than the limits.
    """
    kind = kind_of(data)
    if kind not in IMAGES:
        fix = "Give it as audio=[...]." if kind in AUDIO else "Use PNG, JPEG, BMP or GIF; with Pillow also WebP."
        raise InputError(f"{name} is no image.", why=described(data), fix=fix)
    try:
        header = _READ[kind](data)
        check_pixels(header.width, header.height, name, limits)
        if kind == "png":
            png.check(data)
    except DamagedError as problem:
        raise InputError(f"{name} is a damaged {kind.upper()} file.", why=str(problem)) from problem
    return header


def check_pixels(width: int, height: int, name: str, limits: MediaLimits) -> None:
    """Raise InputError for an image without pixels, or with more than the limits allow."""
    if not width or not height:
        raise InputError(f"{name} has no pixels: its size is {width} x {height}.")
    if width * height > limits.image_pixels:
        raise InputError(
            f"{name} has {width} x {height} pixels, more than the {limits.image_pixels} that are allowed.",
            fix="Shrink it, or allow more: MediaLimits(image_pixels=N).",
        )
