"""Files of images and audio, decoded: against Pillow, and against the numbers that they were made from."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack.errors import PromptWarning
from llamapack.media import Media, Projector
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tests.support.media.files import RATE, flac, mp3, png, some_pixels, some_samples, wav
from tests.support.reference.made_projectors import IMAGE_SIZE
from tests.support.reference.projectors import embed_gemma3, embed_llava
from tests.support.reference.weights import read_weights

Load = Callable[[str], Projector]
Pixels = NDArray[np.uint8]


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def pillow(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def read(load: Load, data: bytes) -> NDArray[Any]:
    with load("llava").read(data) as media:
        return media.to_array()


@pytest.mark.parametrize("size", [(1, 1), (40, 24), (24, 40), (333, 2)])
@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_files_without_loss_have_their_pixels(load: Load, kind: str, size: tuple[int, int]) -> None:
    pixels = some_pixels(*size)
    assert np.array_equal(read(load, saved(Image.fromarray(pixels), kind)), pixels)
    assert np.array_equal(read(load, png(pixels)), pixels)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}])
def test_jpeg_has_the_pixels_that_pillow_finds(load: Load, options: dict[str, Any]) -> None:
    # two decoders round, and enlarge colours, in their own ways
    smooth = Image.fromarray(some_pixels(20, 12)).resize((200, 120))
    data = saved(smooth, "JPEG", **options)
    difference = np.abs(read(load, data).astype(int) - pillow(data))
    assert difference.mean() < 1.5
    assert difference.max() <= 40


def test_a_grey_image_has_three_equal_channels(load: Load) -> None:
    grey = Image.fromarray(some_pixels()).convert("L")
    for kind in ("PNG", "JPEG"):
        found = read(load, saved(grey, kind))
        assert (found[..., 0] == found[..., 1]).all()
        assert (found[..., 0] == found[..., 2]).all()
    assert np.array_equal(read(load, saved(grey, "PNG"))[..., 0], np.asarray(grey))


def test_transparency_is_ignored(load: Load) -> None:
    pixels = some_pixels()
    image = Image.fromarray(pixels)
    image.putalpha(Image.fromarray(np.ascontiguousarray(pixels[..., 0])))
    assert np.array_equal(read(load, saved(image, "PNG")), pixels)


def test_16_bits_become_8(load: Load) -> None:
    wide = np.arange(24 * 40, dtype=np.uint16).reshape(24, 40) * 60
    found = read(load, saved(Image.fromarray(wide), "PNG"))
    assert np.array_equal(found[..., 0], wide >> 8)


def test_palettes_and_the_first_image_of_a_gif_are_read(load: Load) -> None:
    images = [Image.fromarray(some_pixels(seed=seed)).convert("P", palette=Image.Palette.ADAPTIVE) for seed in (1, 2)]
    for data in (
        saved(images[0], "PNG"),
        saved(images[0], "GIF"),
    ):
        assert np.array_equal(read(load, data), pillow(data))
    animated = saved(images[0], "GIF", save_all=True, append_images=images[1:])
    with pytest.warns(PromptWarning, match="only its first"):
        assert np.array_equal(read(load, animated), pillow(animated))


def test_images_are_turned_as_exif_says(load: Load) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    data = saved(Image.fromarray(some_pixels()), "PNG", exif=exif)
    found = read(load, data)
    assert found.shape == (40, 24, 3)
    assert np.array_equal(found, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))))


def test_webp_is_decoded_by_pillow(load: Load) -> None:
    pixels = some_pixels()
    assert np.array_equal(read(load, saved(Image.fromarray(pixels), "WEBP", lossless=True)), pixels)


@pytest.mark.parametrize("size", [(64, 64), (50, 20), (20, 50), (300, 170), (33, 32), (5, 200)])
@pytest.mark.parametrize("kind", ["llava", "gemma3"])
def test_images_of_other_sizes_are_scaled_as_pillow_scales_and_padded(
    load: Load, media_folder: Path, kind: str, size: tuple[int, int]
) -> None:
    """LLaVA scales bicubically, Gemma 3 linearly; what is left of the square is grey-brown, or black."""
    projector, pixels, side = load(kind), some_pixels(*size), IMAGE_SIZE[kind]
    scale = np.float32(side) / np.float32(max(size))
    width, height = (min(int(np.ceil(np.float32(length) * scale)), side) for length in size)
    method = Image.Resampling.BICUBIC if kind == "llava" else Image.Resampling.BILINEAR
    square = Image.new("RGB", (side, side), (122, 116, 104) if kind == "llava" else (0, 0, 0))
    scaled = Image.fromarray(pixels).resize((width, height), method)
    square.paste(scaled, ((side - width) // 2, (side - height) // 2))
    weights = read_weights(media_folder / f"{kind}.gguf")
    want = (embed_llava if kind == "llava" else embed_gemma3)(weights, np.asarray(square))
    with projector.tokenize(projector.marker, [Media.from_pixels(pixels)]) as chunks:
        found = next(projector.encode(chunk) for chunk in chunks if chunk.kind == "image")
    # Rounding 100 of the 3072 values otherwise by 1 makes 2.5e-2, as Pillow 13 does here and there; scaling LLaVA's
    # images in another way makes 0.11 or more.
    assert np.abs(found - want).max() < 5e-2


def test_wav_and_flac_have_their_samples(load: Load) -> None:
    samples = some_samples()
    for data in (wav(samples), flac(samples)):
        with load("ultravox").read(data) as media:
            assert media.kind == "audio"
            assert np.array_equal(media.to_array(), samples.astype(np.float32) / 2**15)


def test_audio_of_another_rate_is_converted(load: Load) -> None:
    for rate in (8000, 44_100, 48_000):
        times = np.arange(rate) / rate
        tone = np.asarray(16_000 * np.sin(2 * np.pi * 440 * times), dtype=np.int16)
        with load("ultravox").read(wav(tone, rate)) as media:
            found = media.to_array()
        assert abs(len(found) - RATE) <= 2
        assert int(np.abs(np.fft.rfft(found, RATE)).argmax()) == 440


def test_mp3_is_read(load: Load) -> None:
    with load("ultravox").read(mp3()) as media:
        assert media.kind == "audio"
        assert not media.to_array().any()
