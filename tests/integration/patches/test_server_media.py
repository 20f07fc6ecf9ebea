"""The patches for requests with images: a cache may end between two of them, and a prompt may not end with one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from llamapack.engine import Engine
from llamapack.errors import RequestError

from tests.support.gguf.files import bpe_vocabulary
from tests.support.llama.media_files import noise, saved
from tests.support.native_programs import upstream_file
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import TOKENS, write_projector

CUT = b"find_chunk(n - 1); // will throw"
LAST = b"input_tokens[input_tokens.size() - 1] == LLAMA_TOKEN_NULL"
BEFORE = 6
"""Tokens of the text before the images."""
Answer = Callable[..., tuple[list[int], int]]


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    """Return the tokens that follow a prompt with images of these seeds, and how many of its tokens were cached."""
    folder = tmp_path_factory.mktemp("media")
    path = write_model(folder / "model.gguf", "llama", vocabulary=bpe_vocabulary())
    options: dict[str, Any] = {"ctx_size": 256, "parallel": 1, "threads": 1, "warmup": False, "cache_ram": 0}
    with Engine(path, mmproj=write_projector(folder / "mmproj.gguf"), **options) as engine:
        mark = engine.request("GET", "/props").json()["media_marker"]

        def ask(text: str, *seeds: int, **more: Any) -> tuple[list[int], int]:
            files = [base64.b64encode(saved(noise(seed), "PNG")).decode() for seed in seeds]
            prompt = {"prompt_string": text.replace("*", mark), "multimodal_data": files}
            body = {"prompt": prompt, "n_predict": 4, "temperature": 0, "ignore_eos": True, "return_tokens": True}
            found = engine.request("POST", "/completion", {**body, **more}).json()
            return found["tokens"], found["timings"]["cache_n"]

        yield ask


@pytest.mark.parametrize("kept", [1, 2])
def test_a_cache_may_end_between_two_images(answer: Answer, kept: int) -> None:
    text, seeds = "wxyz: *** abc", [1, 2, 3]
    alone, _ = answer(text, *seeds, cache_prompt=False)
    answer(text, *seeds[:kept], *[9] * (3 - kept))
    assert answer(text, *seeds) == (alone, BEFORE + kept * TOKENS["llava"])


def test_a_cache_may_end_between_an_image_and_a_text(answer: Answer) -> None:
    alone, _ = answer("wxyz: * abc", 1, cache_prompt=False)
    answer("wxyz: ** abc", 1, 2)
    assert answer("wxyz: * abc", 1) == (alone, BEFORE + TOKENS["llava"])


@pytest.mark.parametrize("text", ["*", "wxyz: *"])
def test_a_prompt_that_ends_with_an_image_is_refused(answer: Answer, text: str) -> None:
    for _ in range(2):  # the second time it would be in the cache
        with pytest.raises(RequestError, match="the prompt ends with an image or audio, a text must follow") as it:
            answer(text, 1)
        assert it.value.status == 400
    assert len(answer("wxyz: * abc", 1)[0]) == 4


def test_upstream_still_needs_the_patches() -> None:
    assert CUT in upstream_file("upstream", "tools/server/server-common.cpp")
    assert CUT not in upstream_file("patched", "tools/server/server-common.cpp")
    assert LAST not in upstream_file("upstream", "tools/server/server-context.cpp")
    assert LAST in upstream_file("patched", "tools/server/server-context.cpp")
