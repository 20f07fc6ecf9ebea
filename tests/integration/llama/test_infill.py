"""Text between two others: the tokens that mark the gap reach the model, as an independent forward pass shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack import Llama
from llamapack.errors import InputError, TaskError

from tests.support.gguf.files import SPECIAL, Values, bpe_vocabulary, uint32
from tests.support.reference.llama import Llama as Reference
from tests.support.reference.made_models import write_model
from tests.support.reference.weights import read_weights

Open = Callable[..., Llama]
MARKS = ("<one>", "<two>", "<three>")
OPTIONS: dict[str, Any] = {"ctx_size": 512, "parallel": 1, "cache_type_k": "f32", "cache_type_v": "f32"}
FIRST = len(SPECIAL)
BYTES = FIRST + len(MARKS)
"""The first token of a byte."""
PARTS = range(BYTES + 128, BYTES + 256)
"""Parts of characters: they have no text of their own to report."""
ASKED: dict[str, Any] = {
    **{"max_tokens": 6, "temperature": 0, "logprobs": 1, "ignore_eos": True},
    "logit_bias": dict.fromkeys(PARTS, -math.inf),
}


def vocabulary(marks: Sequence[str], **numbers: int) -> Values:
    """Describe letters and marks; the metadata names those with a number."""
    named: Values = {f"tokenizer.ggml.{name}_token_id": uint32(number) for name, number in numbers.items()}
    return {**bpe_vocabulary((*SPECIAL, *marks)), **named}


NAMED = vocabulary(MARKS, fim_pre=FIRST, fim_suf=FIRST + 1, fim_mid=FIRST + 2)
SPELLED = vocabulary(("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"))


def continued(path: Path, tokens: list[int], count: int) -> tuple[list[int], list[float]]:
    """Return the likeliest tokens behind others, and the logarithms of their probabilities."""
    reference = Reference(weights=read_weights(path))
    found, logprobs = list(tokens), []
    for _ in range(count):
        logits = reference.run(found).logits[-1].astype(np.float64)
        allowed = logits.copy()
        allowed[[*PARTS, SPECIAL.index("<|im_end|>")]] = -np.inf
        found.append(int(allowed.argmax()))
        logprobs.append(float(logits[found[-1]] - np.logaddexp.reduce(logits)))
    return found[len(tokens) :], logprobs


@pytest.mark.parametrize("marks", [NAMED, SPELLED], ids=["named by the metadata", "known by their text"])
def test_prefix_and_suffix_stand_behind_their_marks(open_llama: Open, tmp_path: Path, marks: Values) -> None:
    path = write_model(tmp_path / "code.gguf", "llama", vocabulary=marks)
    with open_llama(path, **OPTIONS) as llm:
        for prefix, suffix in (("def add(a, b):\n    ", "\n\nadd(1, 2)"), ("", "x"), ("x", ""), ("", "")):
            prompt = [FIRST, *llm.tokenize(prefix), FIRST + 1, *llm.tokenize(suffix), FIRST + 2]
            tokens, logprobs = continued(path, prompt, 6)
            reply = llm.infill(prefix, suffix, **ASKED)
            assert [token.id for token in reply.logprobs] == tokens
            assert [token.logprob for token in reply.logprobs] == pytest.approx(logprobs, abs=5e-3)
            assert reply.usage.prompt == len(prompt)


def test_of_long_texts_what_is_next_to_the_gap_is_used(open_llama: Open, tmp_path: Path) -> None:
    path = write_model(tmp_path / "code.gguf", "llama", vocabulary=NAMED)
    with open_llama(path, batch_size=64, **OPTIONS) as llm:
        prefix, suffix = (llm.tokenize(text) for text in ("0123456789" * 12, "abcd" * 40))
        prompt = [FIRST, *prefix[-48:], FIRST + 1, *suffix[:14], FIRST + 2]
        reply = llm.infill("0123456789" * 12, "abcd" * 40, **ASKED)
    assert [token.id for token in reply.logprobs] == continued(path, prompt, 6)[0]


def test_suffix_comes_first_if_asked_for(open_llama: Open, tmp_path: Path) -> None:
    path = write_model(tmp_path / "code.gguf", "llama", vocabulary=NAMED)
    with open_llama(path, spm_infill=True, **OPTIONS) as llm:
        prompt = [FIRST + 1, *llm.tokenize(" two"), FIRST, *llm.tokenize("one "), FIRST + 2]
        reply = llm.infill("one ", " two", **ASKED)
    assert [token.id for token in reply.logprobs] == continued(path, prompt, 6)[0]


def test_texts_that_look_like_marks_are_texts(open_llama: Open, tmp_path: Path) -> None:
    """A file that is edited may contain the marks, for example one about models."""
    path = write_model(tmp_path / "code.gguf", "llama", vocabulary=SPELLED)
    with open_llama(path, **OPTIONS) as llm:
        text = "<|fim_middle|>"
        prompt = [FIRST, *llm.tokenize(text), FIRST + 1, *llm.tokenize("b"), FIRST + 2]
        reply = llm.infill(text, "b", **ASKED)
        assert len(prompt) > 10
    assert [token.id for token in reply.logprobs] == continued(path, prompt, 6)[0]


def test_two_models_keep_their_own_marks(open_llama: Open, tmp_path: Path) -> None:
    turned = vocabulary(MARKS, fim_pre=FIRST + 2, fim_suf=FIRST + 1, fim_mid=FIRST)
    paths = [
        write_model(tmp_path / f"{number}.gguf", "llama", vocabulary=marks)
        for number, marks in enumerate((NAMED, turned))
    ]
    with open_llama(paths[0], **OPTIONS) as first, open_llama(paths[1], **OPTIONS) as second:
        for llm, path, (before, after) in ((first, paths[0], (0, 2)), (second, paths[1], (2, 0))):
            prompt = [FIRST + before, *llm.tokenize("a"), FIRST + 1, *llm.tokenize("b"), FIRST + after]
            reply = llm.infill("a", "b", **ASKED)
            assert [token.id for token in reply.logprobs] == continued(path, prompt, 6)[0]


@pytest.mark.parametrize("missing", ["fim_pre", "fim_suf", "fim_mid"])
def test_a_model_without_a_mark_says_what_it_lacks(open_llama: Open, tmp_path: Path, missing: str) -> None:
    numbers = {name: FIRST + at for at, name in enumerate(("fim_pre", "fim_suf", "fim_mid")) if name != missing}
    path = write_model(tmp_path / "code.gguf", "llama", vocabulary=vocabulary(MARKS, **numbers))
    part = {"fim_pre": "prefix", "fim_suf": "suffix", "fim_mid": "middle"}[missing]
    with open_llama(path, **OPTIONS) as llm:
        with pytest.raises(TaskError, match=rf"^infill needs a model .*\n.*{part} token is missing"):
            llm.infill("a", "b")
        with pytest.raises(InputError, match=r"^The suffix must be a str, not 3\."):
            llm.infill("a", 3)  # type: ignore[arg-type]  # the fault that is looked for
        assert llm.complete("a", max_tokens=1, ignore_eos=True).usage.completion == 1
