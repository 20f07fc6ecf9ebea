"""Embeddings of images and audio, and what a model makes of them, against forward passes in numpy.

Embeddings are of about the size 1, and reach 4.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from llamapack import Context, Model
from llamapack.media import Media, Projector
from numpy.typing import NDArray

from tests.support.media.expected import EMBED, TOLERANCE, logits_after
from tests.support.reference.llama import Llama
from tests.support.reference.made_projectors import IMAGE_SIZE, SECONDS, SQUARE, TOKENS, write_projector
from tests.support.reference.projectors import WHISPERS_FLOOR, embed_llava, embed_qwen2vl, embed_ultravox
from tests.support.reference.weights import Floats, read_weights
from tests.support.small_contexts import EXACT, context, distance

Pixels = NDArray[np.uint8]
Load = Callable[[str], Projector]
LLAMA_CPPS_FLOOR = 2**-24


def pixels_of(kind: str, seed: int = 1) -> Pixels:
    size = IMAGE_SIZE[kind]
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def tone(seconds: float) -> Floats:
    times = np.arange(int(seconds * 16_000)) / 16_000
    noise = np.random.default_rng(2).standard_normal(len(times))
    return np.asarray(0.3 * np.sin(2 * np.pi * 440 * times) + 0.05 * noise, dtype=np.float32)


def embed(projector: Projector, media: Media) -> Floats:
    with projector.tokenize(projector.marker, [media]) as chunks:
        (chunk,) = (chunk for chunk in chunks if chunk.kind != "text")
        return projector.encode(chunk)


@pytest.mark.parametrize("kind", EMBED)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_image_has_the_embeddings_of_its_definition(load: Load, media_folder: Path, kind: str, seed: int) -> None:
    pixels = pixels_of(kind, seed)
    found = embed(load(kind), Media.from_pixels(pixels))
    assert found.shape == (TOKENS[kind], 64)
    assert distance(found, EMBED[kind](read_weights(media_folder / f"{kind}.gguf"), pixels)) < TOLERANCE


@pytest.mark.parametrize("seconds", [0.001, 1.5, 29.9])
def test_audio_has_the_embeddings_of_its_definition(load: Load, media_folder: Path, seconds: float) -> None:
    samples = 10 * tone(seconds)
    found = embed(load("ultravox"), Media.from_samples(samples))
    assert found.shape == (TOKENS["ultravox"], 64)
    floor = LLAMA_CPPS_FLOOR if seconds == 0.001 else WHISPERS_FLOOR
    assert distance(found, embed_ultravox(read_weights(media_folder / "ultravox.gguf"), samples, floor)) < TOLERANCE


def test_quiet_audio_differs_from_whispers_definition_by_a_floor(load: Load, media_folder: Path) -> None:
    # If the loudest power is below 10**0.78, llama.cpp's floor is higher than what is eight powers of ten below it.
    weights, samples = read_weights(media_folder / "ultravox.gguf"), tone(1.5)
    found = embed(load("ultravox"), Media.from_samples(samples))
    assert distance(found, embed_ultravox(weights, samples, LLAMA_CPPS_FLOOR)) < TOLERANCE
    assert distance(found, embed_ultravox(weights, samples)) > 10 * TOLERANCE


@pytest.mark.parametrize(("seconds", "count"), [(SECONDS - 1, 1), (SECONDS, 2), (SECONDS + 1, 2)])
def test_long_audio_has_a_chunk_for_every_30_seconds_begun(load: Load, seconds: int, count: int) -> None:
    # llama.cpp adds 30 seconds of silence and leaves out the last chunk, which is not whole
    projector = load("ultravox")
    with projector.tokenize(projector.marker, [Media.from_samples(tone(seconds))]) as chunks:
        assert [chunk.kind for chunk in chunks] == ["audio"] * count


@pytest.mark.parametrize("attention", ["auto", "on"])
def test_flash_attention_has_the_same_embeddings_to_16_bits(
    small_model: Model, media_folder: Path, attention: Literal["auto", "on"]
) -> None:
    pixels = pixels_of("llava")
    with Projector(
        small_model,
        media_folder / "llava.gguf",
        n_threads=1,
        flash_attention=attention,
        warmup=False,
    ) as projector:
        found = embed(projector, Media.from_pixels(pixels))
    assert distance(found, embed_llava(read_weights(media_folder / "llava.gguf"), pixels)) < 2 * TOLERANCE


@pytest.mark.parametrize("kind", EMBED)
def test_logits_after_an_image_and_a_text_are_those_of_the_definition(
    load: Load, small_model: Model, media_folder: Path, kind: str
) -> None:
    projector, pixels = load(kind), pixels_of(kind)
    text = f"hello {projector.marker} what is this?"
    with projector.tokenize(text, [Media.from_pixels(pixels)]) as chunks, context(small_model, **EXACT) as place:
        end = projector.decode(place, chunks)
        assert end == place.n_used == chunks.n_tokens == chunks.n_positions
        found = place.outputs.logits()
        before, _, after = chunks
        assert (before.kind, after.kind) == ("text", "text")
        image = EMBED[kind](read_weights(media_folder / f"{kind}.gguf"), pixels)
        want = logits_after(media_folder / "model.gguf", before.tokens, image, after.tokens, whole=kind == "gemma3")
    assert distance(found, want) < 2e-2
    assert found.argmax() == want.argmax()


def test_two_images_differ_and_the_same_image_does_not(load: Load) -> None:
    projector = load("llava")
    first, again, other = (embed(projector, Media.from_pixels(pixels_of("llava", seed))) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert distance(first, other) > 0.1


def test_after_an_image_with_mrope_the_text_is_further_on_than_the_memory_says(media_folder: Path) -> None:
    with (
        Model(media_folder / "mrope.gguf") as model,
        Projector(model, media_folder / "llava.gguf", n_threads=1) as projector,
        Context(model, n_ctx=256, n_threads=1) as place,
    ):
        assert projector.uses_mrope
        text = f"hello{projector.marker}world"
        with projector.tokenize(text, [Media.from_pixels(pixels_of("llava"))]) as chunks:
            before, image, after = chunks
            # LLaVA's rows are one row of an image to M-RoPE
            assert image.positions(10) == ((10,) * 4, (10,) * 4, (10, 11, 12, 13), (0,) * 4)
            assert (image.n_tokens, image.n_positions) == (4, 4)
            assert after.positions(14) == (tuple(range(14, 14 + after.n_tokens)),) * 4
            end = projector.decode(place, chunks[:2])
            assert (end, place.n_used) == (before.n_tokens + 4, before.n_tokens + 1)
            assert projector.decode(place, [after], position=end) == place.n_used == end + after.n_tokens


WIDE = (3 * SQUARE, 4 * SQUARE)
"""Height and width of an image that Qwen2-VL reads as it is, as three rows of four tokens."""


def mrope_image(seed: int = 1) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*WIDE, 3), dtype=np.uint8)


def test_an_image_of_any_size_has_the_embeddings_of_its_definition(media_folder: Path) -> None:
    pixels = mrope_image()
    with Model(media_folder / "mrope.gguf") as model, mrope_projector(model, media_folder) as projector:
        found = embed(projector, Media.from_pixels(pixels))
    assert found.shape == (12, 64)
    assert distance(found, embed_qwen2vl(read_weights(media_folder / "qwen2vl.gguf"), pixels)) < TOLERANCE


def test_with_mrope_an_image_has_rows_and_columns_to_the_model(media_folder: Path) -> None:
    with (
        Model(media_folder / "mrope.gguf") as model,
        mrope_projector(model, media_folder) as projector,
        context(model, **EXACT) as place,
        projector.tokenize(f"hello{projector.marker}world", [Media.from_pixels(mrope_image())]) as chunks,
    ):
        before, image, after = chunks
        first = before.n_tokens
        time, height, width, other = image.positions(first)
        assert time == (first,) * 12
        assert height == tuple(first + row for row in range(3) for _ in range(4))
        assert width == tuple(first + column for _ in range(3) for column in range(4))
        assert other == (0,) * 12
        assert image.n_positions == 4  # the larger side
        assert projector.decode(place, chunks) == first + 4 + after.n_tokens
        found = place.outputs.logits()
        positions = [chunk.positions(at) for chunk, at in ((before, 0), (image, first), (after, first + 4))]
        tokens = before.tokens, after.tokens
    weights = read_weights(media_folder / "mrope.gguf")
    table = weights.tensors["token_embd.weight"]
    embedded = embed_qwen2vl(read_weights(media_folder / "qwen2vl.gguf"), mrope_image())
    rows = np.concatenate([table[list(tokens[0])], embedded, table[list(tokens[1])]])
    reference = Llama(weights=weights, sections=weights.metadata["qwen2vl.rope.dimension_sections"])
    want = reference.run(rows=rows, positions=np.concatenate(positions, axis=1)).logits[-1]
    assert distance(found, want) < 2e-2
    assert found.argmax() == want.argmax()


@pytest.mark.parametrize(
    ("options", "grid"),
    [
        ({}, (3, 4)),
        ({"image_max_tokens": 8}, (2, 3)),
        ({"image_min_tokens": 20}, (4, 6)),
        ({"image_min_tokens": 4, "image_max_tokens": 4}, (1, 2)),
    ],
    ids=["default", "at most 8", "at least 20", "4"],
)
def test_tokens_of_an_image_of_any_size_are_limited(
    media_folder: Path, options: dict[str, int], grid: tuple[int, int]
) -> None:
    with (
        Model(media_folder / "mrope.gguf") as model,
        mrope_projector(model, media_folder, **options) as projector,
        projector.tokenize(projector.marker, [Media.from_pixels(mrope_image())]) as chunks,
    ):
        _, image, _ = chunks
        assert (image.n_tokens, image.n_positions) == (grid[0] * grid[1], max(grid))
        assert projector.encode(image).shape == (grid[0] * grid[1], 64)


def mrope_projector(model: Model, folder: Path, **options: Any) -> Projector:
    path = folder / "qwen2vl.gguf"
    return Projector(model, path, n_threads=1, flash_attention="off", warmup=False, **options)


def test_a_projector_of_another_width_is_refused(small_model: Model, tmp_path: Path) -> None:
    from llamapack.errors import ModelFormatError

    path = write_projector(tmp_path / "wide.gguf", width=96)
    with pytest.raises(ModelFormatError, match="made for another model") as caught:
        Projector(small_model, path, n_threads=1)
    assert "n_embd = 64" in str(caught.value)
    assert "n_embd = 96" in str(caught.value)
