"""Images of all kinds as files that llama.cpp decodes: PNG, JPEG, BMP and GIF.

Others are decoded by Pillow where it is installed. What a header says is checked against the limits first, so that no
file makes the decoder take more memory or time than its pixels need.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from llamapack._util.arguments import warn_caller
from llamapack.errors import InputError, PromptWarning
from llamapack.media_files.checks import check_image, check_pixels
from llamapack.media_files.kinds import kind_of
from llamapack.media_files.limits import MediaLimits
from llamapack.media_files.pixels import Pixels, decode, encode_png, from_array, turned

_BY_PILLOW = {"webp": "WEBP", "tiff": "TIFF", "avif": "AVIF", "jpeg 2000": "JPEG2000", "ico": "ICO"}
_RGB = "RGB"


def image_file(data: bytes, name: str, limits: MediaLimits) -> bytes:
    """Return the image in a file as one that llama.cpp decodes, turned as its Exif data says; `name` is for messages.

    Raises InputError for what is no image, is damaged, or is larger than the limits.
    """
    kind = kind_of(data)
    if kind in _BY_PILLOW:
        return encode_png(_decode_by_pillow(data, kind, name, limits))
    header = check_image(data, name, limits)
    if header.animated:
        warn_caller(PromptWarning(f"{name} is animated: only its first image is used."))
    return data if header.orientation == 1 else encode_png(turned(_decoded(data, kind, name), header.orientation))


def image_of_array(array: Any, limits: MediaLimits) -> bytes:
    """Return an array as a PNG file; raises InputError for one that is no image."""
    if array.ndim >= 2:
        check_pixels(array.shape[1], array.shape[0], "The array", limits)
    return encode_png(from_array(array))


def image_of_pillow(image: Any, limits: MediaLimits) -> bytes:
    """Return an image of Pillow as a PNG file, turned as its Exif data says."""
    return encode_png(_pixels_of_pillow(image, "The image", limits))


def _decoded(data: bytes, kind: str, name: str) -> Pixels:
    pixels = decode(data)
    if pixels is None:
        raise InputError(f"{name} is a damaged {kind.upper()} file.", why="llama.cpp cannot decode it.")
    return pixels


def _decode_by_pillow(data: bytes, kind: str, name: str, limits: MediaLimits) -> Pixels:
    try:
        from PIL import Image  # imported late, because it need not be installed
    except ImportError:
        raise InputError(
            f"{name} is a file of kind {kind}, which llama.cpp does not decode.",
            fix="Install Pillow, which does: python -m pip install pillow. Or convert it to PNG or JPEG.",
        ) from None
    try:
        with Image.open(io.BytesIO(data), formats=[_BY_PILLOW[kind]]) as image:
            if getattr(image, "is_animated", False):
                warn_caller(PromptWarning(f"{name} is animated: only its first image is used."))
            return _pixels_of_pillow(image, name, limits)
    except InputError:
        raise
    except Exception as error:  # what its decoders raise has no common class
        raise InputError(f"{name} cannot be decoded by Pillow.", why=f"{type(error).__name__}: {error}") from error


def _pixels_of_pillow(image: Any, name: str, limits: MediaLimits) -> Pixels:
    check_pixels(image.width, image.height, name, limits)
    orientation = image.getexif().get(0x0112, 1)
    mode: str = image.mode
    if mode.startswith("I;16"):
        return from_array(np.asarray(image, dtype=np.uint16))
    pixels: Pixels = np.asarray(image.convert("RGBA").convert(_RGB) if mode == "PA" else image.convert(_RGB))
    return turned(pixels, orientation if orientation in range(1, 9) else 1)
