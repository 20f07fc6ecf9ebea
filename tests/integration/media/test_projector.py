"""Projectors, media and chunks: what they say of themselves, what they refuse, and how they are owned."""

from __future__ import annotations

import copy
import pickle
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack import Context, Model, generate
from llamapack.errors import (
    ClosedError,
    InputError,
    ModelFormatError,
    ModelNotFoundError,
    PromptTooLongError,
    ThreadError,
)
from llamapack.media import Media, MediaLimits, Projector

from tests.support.media.files import png, some_pixels
from tests.support.reference.made_projectors import write_projector
from tests.support.small_contexts import context

Load = Callable[[str], Projector]


def image(seed: int = 1) -> Media:
    return Media.from_pixels(np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8))


def audio() -> Media:
    return Media.from_samples(np.zeros(1600, dtype=np.float32))


def test_a_projector_says_what_it_takes(load: Load) -> None:
    vision, audio = load("llava"), load("ultravox")
    assert (vision.family, vision.supports_images, vision.supports_audio, vision.audio_rate) == (
        "mlp",
        True,
        False,
        None,
    )
    assert (audio.family, audio.supports_images, audio.supports_audio, audio.audio_rate) == (
        "ultravox",
        False,
        True,
        16000,
    )
    assert (vision.device, vision.marker, vision.uses_mrope) == ("CPU", "<__media__>", False)


def test_media_have_their_size_an_id_and_their_numbers() -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    with Media.from_pixels(pixels) as image, Media.from_samples(np.array([0.5, -0.5])) as audio:
        assert (image.kind, image.size, image.n_samples) == ("image", (3, 2), None)
        assert np.array_equal(image.to_array(), pixels)
        assert (audio.kind, audio.size, audio.n_samples) == ("audio", None, 2)
        assert audio.to_array().tolist() == [0.5, -0.5]
        assert image.id == Media.from_pixels(pixels).id != Media.from_pixels(pixels + 1).id
        assert repr(image) == "<Media: image, 3 x 2 pixels>"


def test_texts_become_the_tokens_of_the_vocabulary(load: Load, small_model: Model) -> None:
    projector = load("llava")
    with projector.tokenize(f"hello{projector.marker} world{projector.marker}", [image(), image(2)]) as chunks:
        assert [chunk.kind for chunk in chunks] == ["text", "image", "text", "image"]
        assert chunks[0].tokens == tuple(small_model.vocab.tokenize("hello"))
        assert chunks.tokens == tuple(small_model.vocab.tokenize("hello") + small_model.vocab.tokenize(" world"))
        assert chunks.n_tokens == len(chunks.tokens) + 8
        assert chunks[1].id == image().id
        assert chunks[0].id is None


def test_a_text_is_generated_after_an_image(load: Load, small_model: Model) -> None:
    projector = load("llava")
    options = {"temperature": 0.0, "max_tokens": 12}
    texts = []
    for seed in (1, 1, 2, 3):
        chunks = projector.tokenize(f"hello{projector.marker} world", [image(seed)])
        with context(small_model) as place:
            answer = generate(small_model, chunks, context=place, **options)  # type: ignore[arg-type]
            list(answer)
            texts.append(tuple(answer.tokens))
            assert answer.timing.prompt_tokens == chunks.n_tokens
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1


def test_generating_is_the_same_as_decoding_and_sampling(load: Load, small_model: Model) -> None:
    projector = load("llava")
    chunks = projector.tokenize(f"hello{projector.marker} world", [image()])
    answer = generate(small_model, chunks, temperature=0.0, max_tokens=5)
    list(answer)
    with context(small_model) as place:
        projector.decode(place, chunks)
        found = []
        for _ in range(5):
            found.append(int(place.outputs.logits().argmax()))
            place.decode([found[-1]])
    assert answer.tokens == found


@pytest.mark.parametrize(
    ("text", "count", "message"),
    [
        ("<__media__>", 0, "The text has 1 markers '<__media__>', but there are 0 media."),
        ("<__media__>", 2, "The text has 1 markers '<__media__>', but there are 2 media."),
        ("no marker", 1, "The text has 0 markers '<__media__>', but there are 1 media."),
    ],
)
def test_markers_and_media_must_be_as_many(load: Load, text: str, count: int, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        load("llava").tokenize(text, [image()] * count)


def test_media_of_the_wrong_kind_are_refused(load: Load) -> None:
    with pytest.raises(InputError, match=r"takes no audio: llava\.gguf"):
        load("llava").tokenize("<__media__>", [audio()])
    with pytest.raises(InputError, match=r"takes no images: ultravox\.gguf"):
        load("ultravox").tokenize("<__media__>", [image()])
    with pytest.raises(InputError, match="media must hold Media, not b'x'"):
        load("llava").tokenize("<__media__>", [b"x"])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3)), np.zeros((0, 2, 3), np.uint8)],
)
def test_pixels_must_be_rgb_bytes(pixels: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"An image must be an array of uint8, of shape \(height, width, 3\)"):
        Media.from_pixels(pixels)


def test_samples_must_be_one_channel_of_finite_numbers() -> None:
    with pytest.raises(InputError, match=r"of shape \(count,\), not \(2, 2\)"):
        Media.from_samples(np.zeros((2, 2), np.float32))
    with pytest.raises(InputError, match=r"not \(0,\)"):
        Media.from_samples(np.zeros(0, np.float32))
    with pytest.raises(InputError, match="finite"):
        Media.from_samples(np.array([np.nan], np.float32))


def test_an_image_of_one_pixel_and_one_that_is_very_long_are_read(load: Load) -> None:
    projector = load("llava")
    for shape in ((1, 1, 3), (1, 5000, 3), (5000, 1, 3)):
        with projector.tokenize("<__media__>", [Media.from_pixels(np.full(shape, 7, np.uint8))]) as chunks:
            assert np.isfinite(projector.encode(chunks[0])).all()


def test_image_tokens_that_do_not_fit_are_refused_before_anything_is_computed(load: Load, small_model: Model) -> None:
    projector = load("llava")
    count = 70  # of 4 tokens each, in a context of 256
    with projector.tokenize("<__media__>" * count, [image()] * count) as chunks, context(small_model) as place:
        with pytest.raises(PromptTooLongError, match="280 tokens do not fit the context of 256 tokens") as caught:
            projector.decode(place, chunks)
        assert "280 of them are of images and audio." in str(caught.value)
        assert place.n_used == 0
        with pytest.raises(PromptTooLongError, match="280 tokens do not fit"):
            generate(small_model, chunks, context=place)


def test_files_that_are_no_projector_are_refused(small_model: Model, media_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match="is not a projector: its architecture is 'llama'"):
        Projector(small_model, media_folder / "model.gguf")
    with pytest.raises(ModelNotFoundError):
        Projector(small_model, tmp_path / "missing.gguf")
    (tmp_path / "text.gguf").write_bytes(b"no GGUF at all")
    with pytest.raises(ModelFormatError):
        Projector(small_model, tmp_path / "text.gguf")
    cut = (media_folder / "llava.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(cut[: len(cut) // 2])
    with pytest.raises(ModelFormatError):
        Projector(small_model, tmp_path / "cut.gguf")
    with pytest.raises(ModelFormatError, match=r"Its clip\.vision\.patch_size is 0\."):
        Projector(small_model, write_projector(tmp_path / "zero.gguf", vision__patch_size=0))
    with pytest.raises(ModelFormatError, match="unknown projector type: other"):
        Projector(small_model, write_projector(tmp_path / "other.gguf", projector_type="other"))


def test_wrong_options_are_refused(small_model: Model, media_folder: Path) -> None:
    path = media_folder / "llava.gguf"
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"device": "GPU7"}, "There is no device 'GPU7'"),
        ({"n_threads": 0}, "n_threads must be a whole number"),
        ({"flash_attention": "yes"}, "flash_attention must be one of"),
        ({"image_min_tokens": 9, "image_max_tokens": 4}, "image_min_tokens=9 is more than image_max_tokens=4"),
    )
    for options, message in cases:
        with pytest.raises(InputError, match=message):
            Projector(small_model, path, **options)
    with pytest.raises(InputError, match="loaded for a Model"):
        Projector("model", path)  # type: ignore[arg-type]


def test_closing_a_model_closes_its_projector_and_its_chunks(media_folder: Path) -> None:
    model = Model(media_folder / "model.gguf")
    projector = Projector(model, media_folder / "llava.gguf", n_threads=1)
    chunks = projector.tokenize("<__media__>", [image()])
    chunk = chunks[0]
    model.close()
    assert projector.closed
    assert chunks.closed
    for call in (lambda: projector.encode(chunk), lambda: projector.tokenize("x"), lambda: chunks[0]):
        with pytest.raises(ClosedError):
            call()


def test_media_can_be_closed_once_they_are_tokenized(load: Load) -> None:
    cat = image()
    chunks = load("llava").tokenize("<__media__>", [cat])
    cat.close()
    cat.close()
    assert load("llava").encode(chunks[0]).shape == (4, 64)
    with pytest.raises(ClosedError):
        load("llava").tokenize("<__media__>", [cat])


def test_nothing_can_be_copied(load: Load) -> None:
    chunks = load("llava").tokenize("<__media__>", [image()])
    for owned in (load("llava"), image(), chunks, chunks[0]):
        with pytest.raises(TypeError, match="cannot copy or pickle"):
            copy.copy(owned)
        with pytest.raises(TypeError, match="cannot copy or pickle"):
            pickle.dumps(owned)


def test_chunks_of_another_projector_and_contexts_of_another_model_are_refused(
    load: Load, small_model: Model, media_folder: Path
) -> None:
    chunks = load("llava").tokenize("hello<__media__>", [image()])
    with pytest.raises(InputError, match="A chunk of this projector is needed"):
        load("gemma3").encode(chunks[1])
    with pytest.raises(InputError, match="A text has no embeddings"):
        load("llava").encode(chunks[0])
    with Model(media_folder / "model.gguf") as other, Context(other, n_threads=1) as place:
        with pytest.raises(InputError, match="a context of the projector's own model"):
            load("llava").decode(place, chunks)
        with pytest.raises(InputError, match="made for another model"):
            generate(other, chunks)
    with pytest.raises(InputError, match="Chunks are not a chat"):
        generate(small_model, chunks, chat=True)


def test_threads_encode_with_projectors_of_their_own(small_model: Model, media_folder: Path) -> None:
    results: dict[int, list[np.ndarray]] = {}

    def work(number: int) -> None:
        with Projector(small_model, media_folder / "llava.gguf", n_threads=1) as projector:
            chunks = projector.tokenize("<__media__>", [image()])
            results[number] = [projector.encode(chunks[0]) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(rows, results[0][0]) for found in results.values() for rows in found)


def test_a_second_thread_is_refused_while_one_encodes(load: Load) -> None:
    projector = load("llava")
    chunks = projector.tokenize("<__media__>", [image()])
    with projector.exclusive():  # as during a call
        refused: list[BaseException] = []

        def encode() -> None:
            try:
                projector.encode(chunks[0])
            except ThreadError as error:
                refused.append(error)

        thread = threading.Thread(target=encode)
        thread.start()
        thread.join()
    assert "Give each thread a projector of its own." in str(refused[0])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "It is empty."),
        (b"GIF89", "It begins with b'GIF89'."),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "cannot be decoded by Pillow"),
        (b"\x89PNG\r\n\x1a\n", "It has no header."),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x00\x01\x86\xa0" * 2 + b"\x08\x02" + bytes(7),
            "100000 x 100000 pixels, more than the 24000000 that are allowed",
        ),
        (b"\xff\xd8\xff\xe0\x00\x10" + bytes(14), "It ends too early."),
        (
            b"fLaC\0" + bytes(13) + b"\x0a\xc4\x42\xff\xff\xff\xff\xff" + bytes(16),
            "seconds long, more than the 900 that are allowed",
        ),
        (
            b"RIFF\x24\x00\x00\x00WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\0\0\x40",
            "It ends too early: it has 0 of 1073741824 bytes of samples.",
        ),
    ],
)
def test_files_that_cannot_be_read_say_why(load: Load, data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load("ultravox" if data[:4] == b"fLaC" or b"WAVE" in data else "llava").read(data)
    assert message in str(caught.value)


def test_limits_are_the_caller_s(load: Load) -> None:
    data = png(some_pixels())
    with pytest.raises(InputError, match="has 40 x 24 pixels, more than the 100 that are allowed"):
        load("llava").read(data, limits=MediaLimits(image_pixels=100))
    with pytest.raises(InputError, match="more than the 10 that are allowed"):
        load("llava").read(data, limits=MediaLimits(file_bytes=10))
