"""Images in files, of arrays and of Pillow: what is accepted, and what is refused and why."""

from __future__ import annotations

import builtins
import io
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack.errors import InputError, PromptWarning
from llamapack.media_files import MediaLimits
from llamapack.media_files.images import image_file
from llamapack.media_files.pixels import encode_png, from_array, turned
from llamapack.media_files.sources import read_source
from PIL import Image, ImageOps

from tests.support.llama.media_files import address, block, noise, png, saved, smooth

LIMITS = MediaLimits()


def opened(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
def test_files_that_llama_cpp_reads_are_passed_on_as_they_are(form: str, options: dict[str, Any]) -> None:
    data = saved(noise(), form, **options)
    assert image_file(data, "it", LIMITS) == data


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16", "1"])
def test_png_of_every_kind_of_pixel_is_passed_on(mode: str) -> None:
    buffer = io.BytesIO()
    image = Image.fromarray(smooth()).convert("L").convert("I").point(lambda x: x * 256).convert("I;16")
    (image if mode == "I;16" else Image.fromarray(smooth()).convert(mode)).save(buffer, "PNG")
    assert image_file(buffer.getvalue(), "it", LIMITS) == buffer.getvalue()


@pytest.mark.parametrize("form", ["WEBP", "TIFF"])
def test_other_files_are_decoded_by_pillow(form: str) -> None:
    found = image_file(saved(noise(), form, lossless=True), "it", LIMITS)
    assert np.array_equal(opened(found), noise())


def test_without_pillow_the_error_says_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(noise(), "WEBP")
    usual = builtins.__import__

    def missing(name: str, *more: Any) -> Any:
        if name == "PIL":
            raise ImportError(name)
        return usual(name, *more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError) as caught:
        image_file(data, "cat.webp", LIMITS)
    assert str(caught.value) == (
        "cat.webp is a file of kind webp, which llama.cpp does not decode.\n"
        "Install Pillow, which does: python -m pip install pillow. Or convert it to PNG or JPEG."
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_pillow_turns_them(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(noise()).save(buffer, "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(buffer))
    assert np.array_equal(turned(noise(), orientation), np.asarray(expected))
    image = Image.open(io.BytesIO(buffer.getvalue()))
    assert np.array_equal(opened(read_source(image, "image", LIMITS)), np.asarray(expected))


def test_animated_images_are_their_first_one_with_a_warning() -> None:
    data = io.BytesIO()
    frames = [Image.fromarray(noise(seed)) for seed in range(2)]
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:])
    with pytest.warns(PromptWarning, match=r"cat\.gif is animated: only its first image is used"):
        image_file(data.getvalue(), "cat.gif", LIMITS)
    data = io.BytesIO()
    frames[0].save(data, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    with pytest.warns(PromptWarning, match=r"is animated"):
        assert np.array_equal(opened(image_file(data.getvalue(), "cat.webp", LIMITS)), noise(0))


PACKED = zlib.compress(b"\0" * 13 * 4)  # four rows of four pixels


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is no image.\nIt is empty.\nUse PNG, JPEG, BMP or GIF; with Pillow also WebP."),
        (
            b"hello world",
            "it is no image.\nIt begins with b'hello wo'.\nUse PNG, JPEG, BMP or GIF; with Pillow also WebP.",
        ),
        (
            b"RIFF\0\0\0\0WAVE",
            "it is no image.\nIt is a file of kind wav.\nGive it as audio=[...].",
        ),
        (saved(noise(), "PNG")[:300], "it is a damaged PNG file.\nIt ends too early: pixels are missing."),
        (saved(noise(), "PNG")[:20], "it is a damaged PNG file.\nIt has no header."),
        (saved(noise(), "JPEG")[:300], "it is a damaged JPEG file.\nIt ends too early."),
        (saved(noise(), "BMP")[:300], "it is a damaged BMP file.\nIt ends too early: pixels are missing."),
        (saved(noise(), "GIF")[:700], "it is a damaged GIF file.\nIt ends too early."),
        (
            png(20000, 20000, PACKED),
            "it has 20000 x 20000 pixels, more than the 24000000 that are allowed.\n"
            "Shrink it, or allow more: MediaLimits(image_pixels=N).",
        ),
        (png(0, 4, PACKED), "it has no pixels: its size is 0 x 4."),
        (
            png(4, 4, zlib.compress(b"\0" * 10_000_000)),
            "it is a damaged PNG file.\nIt unpacks to more than the 52 bytes that 4 x 4 pixels need.",
        ),
        (png(4, 4, b"no zlib"), "it is a damaged PNG file.\nIts pixels cannot be unpacked: Error -3 while "),
        (png(4, 4, PACKED, colour=5), "it is a damaged PNG file.\nIts header names colours that there are not."),
        (
            saved(noise(), "JPEG")[:-2] + b"\xff\xda\0\2" * 25 + b"\xff\xd9",
            "it is a damaged JPEG file.\nIt has more than 24 scans.",
        ),
        (b"\xff\xd8\xff\xc9\0\x0b", "it is a damaged JPEG file.\nIt is lossless or arithmetically coded, which "),
        (b"\xff\xd8\xff\xd9", "it is a damaged JPEG file.\nIt has no image in it."),
        (b"GIF89a" + b"\1\0\1\0\0\0\0" + b"\x3b", "it is a damaged GIF file.\nIt has no image in it."),
    ],
)
def test_bad_files_are_refused_with_the_reason(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        image_file(data, "it", LIMITS)
    assert str(caught.value).startswith(message)


def test_png_has_room_for_its_seven_passes() -> None:
    interlaced = bytearray(png(1, 1, zlib.compress(b"\0\0\0\0")))
    interlaced[28] = 1
    assert image_file(bytes(interlaced), "it", LIMITS) == bytes(interlaced)


def test_orientation_in_nonsense_is_none() -> None:
    for tiff in (b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + b"\x12\1\3\0\1\0\0\0\x09\0\0\0"):
        data = png(4, 4, PACKED, more=block(b"eXIf", tiff))
        assert image_file(data, "it", LIMITS) == data


@pytest.mark.parametrize(
    "array",
    [
        noise(),
        noise()[:, :, 0],
        np.concatenate([noise(), noise(1)[:, :, :1]], axis=2),
        noise().astype(np.float32) / 255,
        noise().astype(np.uint16) * 257,
    ],
    ids=["colours", "grey", "alpha", "floats", "16 bits"],
)
def test_arrays_are_images(array: Any) -> None:
    expected = np.repeat(array[:, :, None], 3, axis=2) if array.ndim == 2 else noise()
    assert np.array_equal(from_array(array), expected)
    assert np.array_equal(opened(encode_png(from_array(array))), expected)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 5, 7), np.uint8), "An array of shape (3, 5, 7) is no image."),
        (np.zeros(5, np.uint8), "An array of shape (5,) is no image."),
        (np.zeros((0, 5), np.uint8), "The array has no pixels: its size is 5 x 0."),
        (np.full((2, 2), 1.5), "An image of floats must have values from 0 to 1."),
        (np.full((2, 2), np.nan), "An image of floats must have values from 0 to 1."),
        (np.zeros((2, 2), np.int32), "An array of int32 is no image."),
        (np.broadcast_to(np.uint8(0), (10000, 10000, 3)), "The array has 10000 x 10000 pixels, more than the 24000000"),
    ],
)
def test_other_arrays_are_refused(array: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_source(array, "image", LIMITS)
    assert str(caught.value).startswith(message)


def test_sources_are_paths_bytes_addresses_and_objects(tmp_path: Path) -> None:
    data = saved(noise(), "PNG")
    path = tmp_path / "größe.png"
    path.write_bytes(data)
    for given in (path, str(path), data, bytearray(data), memoryview(data), address(data), address(data).rstrip("=")):
        assert read_source(given, "image", LIMITS) == data
    for image in (Image.fromarray(noise()), noise(), Image.open(path)):
        assert np.array_equal(opened(read_source(image, "image", LIMITS)), noise())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("missing.png", "missing.png cannot be read.\nNo such file or directory\nCheck the path."),
        ("data:image/png,abc", "The data: address is not in base64: 'data:image/png,abc'."),
        ("data:image/png;base64,ab!c", "The data is not base64."),
        (3, "An image must be a path, bytes, a data: address, an image of Pillow or an array, not int."),
        (None, "An image must be a path, bytes, a data: address, an image of Pillow or an array, not NoneType."),
        (
            b"\0" * 101,
            "What was given has 101 bytes, more than the 100 that are allowed.\nGive a smaller one, or allow",
        ),
        ("data:image/png;base64," + "A" * 200, "The data: address has 150 bytes, more than the 100 that are allowed."),
        ("a\0b", "a\0b cannot be read.\nembedded null byte"),
    ],
)
def test_other_sources_are_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_source(given, "image", MediaLimits(file_bytes=100))
    assert str(caught.value).startswith(message)


def test_large_files_are_not_read_to_their_end(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match=r"large\.png has 1099511627776 bytes, more than the 33554432"):
        read_source(path, "image", LIMITS)


def test_limits_are_checked() -> None:
    with pytest.raises(InputError, match="image_pixels must be a whole number"):
        MediaLimits(image_pixels=0)
    with pytest.raises(InputError, match="redirects"):
        MediaLimits(redirects=-1)


def test_no_warning_for_still_images() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in ("PNG", "GIF", "WEBP"):
            image_file(saved(noise(), form), "it", LIMITS)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no file without an end")
def test_file_without_an_end_is_refused() -> None:
    with pytest.raises(InputError, match="/dev/zero has 101 bytes, more than the 100 that are allowed"):
        read_source("/dev/zero", "image", MediaLimits(file_bytes=100))
