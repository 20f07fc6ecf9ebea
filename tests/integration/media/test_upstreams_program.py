"""llama.cpp's own multimodal program, from the same tree, writes the text that Llama and the plain level write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from llamapack import Context, Llama, Model, generate
from llamapack.media import Projector

from tests.support.gguf.files import SPECIAL, Values, bpe_vocabulary, byte_tokens, text
from tests.support.llama.media_files import noise, saved, tone, wav
from tests.support.reference.made_models import N_EMBD, write_model
from tests.support.reference.made_projectors import write_projector
from tests.support.reference.upstream import Reference
from tests.support.reference.weights import Floats

TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
QUESTION = "What is this?"
COUNT = 24
MODELS: Mapping[str, str] = {"llava and ultravox": "llama", "gemma3": "llama", "qwen2vl": "qwen2vl"}
"""The projectors, and the architecture of the model for each."""


def readable_model(path: Path, kind: str) -> Path:
    """Write a model that says visible ASCII only: the rows of all other tokens are small, and so are their logits.

    All rows are small beside what attention adds to them: so it matters what was read before.
    """
    vocabulary: Values = {**bpe_vocabulary(), "tokenizer.chat_template": text(TEMPLATE)}
    tokens = [*SPECIAL, *byte_tokens()]
    count = len(vocabulary["tokenizer.ggml.tokens"].value)  # type: ignore[arg-type]  # a list
    table: Floats = np.random.default_rng(3).standard_normal((count, N_EMBD)).astype(np.float32) / np.float32(100)
    for number, token in enumerate(tokens):
        if token in SPECIAL or not "!" <= token <= "~":
            table[number] /= 1000
    return write_model(path, kind, vocabulary=vocabulary, weights={"token_embd.weight": table})


def files(folder: Path, kind: str) -> tuple[list[Path], list[Path]]:
    """Write two images of different sizes and, for a projector that takes it, audio."""
    images = [folder / "first.png", folder / "second.bmp"]
    images[0].write_bytes(saved(noise(1, 96, 128), "PNG"))
    images[1].write_bytes(saved(noise(2, 50, 170), "BMP"))
    audio = [folder / "tone.wav"] if "ultravox" in kind else []
    for path in audio:
        path.write_bytes(wav(tone()))
    return images, audio


@pytest.mark.parametrize("kind", MODELS)
def test_upstreams_program_writes_the_same(kind: str, reference: Reference, tmp_path: Path) -> None:
    path = readable_model(tmp_path / "model.gguf", MODELS[kind])
    projector = write_projector(tmp_path / "mmproj.gguf", kind)
    images, audio = files(tmp_path, kind)
    with Model(path) as model:
        plain, library = by_plain_level(model, projector, [*images, *audio]), model.cpu.level.path
        assert plain != by_plain_level(model, projector, [*images[::-1], *audio])
    words: list[str | Path] = ["-m", path, "--mmproj", projector, "-p", QUESTION]
    words += ["--image", ",".join(map(str, images)), *(word for each in audio for word in ("--audio", str(each)))]
    words += ["-n", str(COUNT), "-c", "512", "-t", "1", "--temp", "0", "--no-warmup", "--jinja", "-fa", "off"]
    theirs = reference.run(library, "llama-mtmd-cli", *words)
    with Llama(path, projector=projector, ctx_size=512, parallel=1, threads=1, warmup=False, flash_attn="off") as llm:
        ours = llm(QUESTION, images=images, audio=audio, temperature=0, max_tokens=COUNT).text
    assert len(plain) >= COUNT
    assert ours == plain
    assert theirs.strip() == plain


def by_plain_level(model: Model, path: Path, given: list[Path]) -> str:
    """Return the answer by chunks that are decoded in a context."""
    with (
        Projector(model, path, n_threads=1, flash_attention="off", warmup=False) as projector,
        Context(model, n_ctx=512, n_threads=1, flash_attention="off") as context,
    ):
        prompt = f"<user>{projector.marker * len(given)}{QUESTION}<assistant>"
        media = [projector.read(each.read_bytes()) for each in given]
        with projector.tokenize(prompt, media) as chunks:
            return "".join(generate(model, chunks, context=context, temperature=0, max_tokens=COUNT))
