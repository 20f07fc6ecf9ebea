"""1,000 damaged images and audio: each is an error or an answer, and the process goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from llamapack import Llama
from llamapack.errors import InputError, RequestError

from tests.support.gguf.files import bpe_vocabulary
from tests.support.llama.media_files import flac_head, mp3_frames, noise, saved, smooth, tone, wav
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import write_projector

IMAGES = {
    "png": saved(smooth(), "PNG"),
    "grey": saved(np.repeat(smooth()[:, :, :1], 3, axis=2), "PNG"),
    "jpeg": saved(smooth(), "JPEG"),
    "progressive": saved(smooth(), "JPEG", progressive=True),
    "turned": saved(smooth(), "JPEG", orientation=6),
    "bmp": saved(smooth(), "BMP"),
    "gif": saved(noise(), "GIF"),
}
AUDIO = {"wav": wav(tone(0.1)), "mp3": mp3_frames(5), "flac": flac_head(1600) + b"\xff\xf8" + bytes(range(256))}
EACH = 100


def damaged(data: bytes, seed: int) -> bytes:
    """Return the file with some bytes changed, most of them near its beginning, or cut, or with a part twice."""
    random = np.random.default_rng(seed)
    file = bytearray(data)
    for _ in range(int(random.integers(1, 6))):
        at = int(random.integers(len(file) if random.random() < 0.3 else min(len(file), 512)))
        file[at] = int(random.choice([0, 1, 0x7F, 0x80, 0xFF, int(random.integers(256))]))
    if random.random() < 0.2:
        del file[int(random.integers(len(file))) :]
    elif random.random() < 0.1:
        at = int(random.integers(len(file)))
        file[at:at] = file[at : at + int(random.integers(1, 200))]
    return bytes(file)


@pytest.fixture(scope="module")
def open_made(tmp_path_factory: pytest.TempPathFactory, open_llama: Callable[..., Llama]) -> Callable[[str], Llama]:
    """Load a model that computes in milliseconds, with a projector of a kind."""
    folder = tmp_path_factory.mktemp("damaged")
    model = write_model(folder / "model.gguf", "llama", vocabulary=bpe_vocabulary())

    def load(kind: str) -> Llama:
        projector = write_projector(folder / f"{kind}.gguf", kind)
        return open_llama(model, projector=projector, parallel=1, ctx_size=512)

    return load


def outcomes(llm: Llama, files: Iterator[bytes], form: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for data in files:
        try:
            given: dict[str, Any] = {form: data}
            llm.complete("a", max_tokens=1, cache_prompt=False, **given)
        except (InputError, RequestError) as error:
            found[type(error).__name__] += 1
        else:
            found["answer"] += 1
    return found


@pytest.mark.filterwarnings("ignore::llamapack.PromptWarning")
def test_damaged_images_crash_nothing(open_made: Callable[[str], Llama]) -> None:
    files = (damaged(data, seed) for data in IMAGES.values() for seed in range(EACH))
    with open_made("llava") as llm:
        found = outcomes(llm, files, "images")
        assert found.total() == EACH * len(IMAGES)
        assert found["answer"] > 50
        assert found["InputError"] > 50
        assert llm.complete("a", images=[noise()], max_tokens=1).usage.completion == 1


def test_damaged_audio_crash_nothing(open_made: Callable[[str], Llama]) -> None:
    files = (damaged(data, seed) for data in AUDIO.values() for seed in range(EACH))
    with open_made("ultravox") as llm:
        found = outcomes(llm, files, "audio")
        assert found.total() == EACH * len(AUDIO)
        assert found["InputError"] > 20
