"""Speculative decoding writes the same text, and says how much of the guesses was right; so do all kinds of caches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack import Llama
from llamapack.errors import InputError
from llamapack.llama import Timing

from tests.support.gguf.files import bpe_vocabulary
from tests.support.reference.made_models import N_EMBD, write_model
from tests.support.reference.weights import Floats

Open = Callable[..., Llama]
PROMPT = "to be or not to be, that is the question; to be or not to be, that is"
SENTENCE = "a quick brown fox jumps. "
REPEATING = f'root ::= "{SENTENCE}" root'
OPTIONS: dict[str, Any] = {"ctx_size": 512, "parallel": 1, "cache_type_k": "f32", "cache_type_v": "f32"}
NGRAMS: Mapping[str, Mapping[str, int]] = {
    "ngram-simple": {"spec_ngram_simple_size_n": 2, "spec_ngram_simple_size_m": 4},
    "ngram-map-k": {"spec_ngram_map_k_size_n": 2, "spec_ngram_map_k_size_m": 4},
    "ngram-map-k4v": {"spec_ngram_map_k4v_size_n": 2, "spec_ngram_map_k4v_size_m": 4},
    "ngram-mod": {"spec_ngram_mod_n_match": 2, "spec_ngram_mod_n_min": 1, "spec_ngram_mod_n_max": 4},
    "ngram-cache": {},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("speculation") / "base.gguf", "llama", vocabulary=bpe_vocabulary())


def written(llm: Llama, prompt: str = PROMPT) -> tuple[str, Timing]:
    """Return a text of 64 tokens, and how it came about."""
    reply = llm.complete(prompt, max_tokens=64, temperature=0, ignore_eos=True)
    assert reply.usage.completion == 64
    return reply.text, reply.timing


@pytest.fixture(scope="module")
def expected(base: Path, open_llama: Open) -> str:
    with open_llama(base, **OPTIONS) as llm:
        text, timing = written(llm)
    assert (timing.drafted, timing.acceptance) == (0, None)
    return text


def test_a_model_guesses_its_own_text(base: Path, open_llama: Open, expected: str) -> None:
    with open_llama(base, spec_draft_model=base, spec_draft_n_max=4, **OPTIONS) as llm:
        text, timing = written(llm)
        assert text == expected
        assert timing.drafted > 32
        assert timing.acceptance is not None
        assert timing.acceptance > 0.95
        stream = llm.stream_complete(PROMPT, max_tokens=64, temperature=0, ignore_eos=True)
        assert "".join(stream) == expected.rstrip("\ufffd")  # a stream waits for the rest of a character
        assert stream.reply.timing.accepted == timing.accepted


def test_a_model_that_guesses_wrong_costs_no_text(base: Path, open_llama: Open, expected: str, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other.gguf", "llama", vocabulary=bpe_vocabulary(), seed=2)
    with open_llama(base, spec_draft_model=other, spec_draft_n_max=4, **OPTIONS) as llm:
        text, timing = written(llm)
    assert text == expected
    assert timing.drafted > 32
    assert timing.acceptance is not None
    assert timing.acceptance < 0.5


@pytest.mark.parametrize("kind", NGRAMS)
def test_text_that_repeats_itself_is_guessed(base: Path, open_llama: Open, expected: str, kind: str) -> None:
    with open_llama(base, spec_type=kind, **NGRAMS[kind], **OPTIONS) as llm:
        assert written(llm)[0] == expected
        for _ in range(2):  # the second time it knows the first text
            reply = llm.complete("Say it: ", grammar=REPEATING, max_tokens=96, temperature=0)
            assert reply.text == (SENTENCE * 9)[:96]
    assert reply.timing.drafted > 0
    if kind != "ngram-cache":  # llama.cpp's learns next to nothing of what is written after the prompt
        assert reply.timing.acceptance is not None
        assert reply.timing.acceptance > 0.5


@pytest.mark.parametrize("right", [True, False], ids=["trained", "random"])
def test_a_model_that_predicts_a_token_more_guesses_by_itself(open_llama: Open, tmp_path: Path, right: bool) -> None:
    weights = _knows_what_follows() if right else {}
    path = write_model(tmp_path / "mtp.gguf", "mimo2", vocabulary=bpe_vocabulary(), weights=weights)
    with open_llama(path, **OPTIONS) as llm:
        expected, _ = written(llm)
    with open_llama(path, spec_type="draft-mtp", spec_draft_n_max=1, **OPTIONS) as llm:
        text, timing = written(llm)
    assert text == expected
    assert timing.drafted > 16
    assert timing.acceptance is not None
    assert timing.acceptance > 0.95 if right else timing.acceptance < 0.5


def _knows_what_follows() -> dict[str, Floats]:
    """Return weights with which each token follows from the one before it, in both layers by the same rule."""
    nothing = {
        f"blk.{layer}.{name}.weight": np.zeros(shape, dtype=np.float32)
        for layer in (0, 1)
        for name, shape in (("attn_output", (N_EMBD, N_EMBD)), ("ffn_down", (N_EMBD, 96)))
    }
    same = np.eye(N_EMBD, 2 * N_EMBD, dtype=np.float32)
    norms = ("output_norm", "blk.1.nextn.enorm", "blk.1.nextn.shared_head_norm")
    ones = {f"{name}.weight": np.ones(N_EMBD, dtype=np.float32) for name in norms}
    return {**nothing, **ones, "blk.1.nextn.eh_proj.weight": same}


def test_speculation_that_a_model_cannot_do_is_refused(base: Path, open_llama: Open) -> None:
    with pytest.raises(InputError, match=r"MTP|speculation that the options ask for"):
        open_llama(base, spec_type="draft-mtp", **OPTIONS)


def test_a_conversation_is_guessed_and_saved(base: Path, open_llama: Open, tmp_path: Path) -> None:
    texts = []
    for draft in ({}, {"spec_draft_model": base}):
        with open_llama(base, chat_template="chatml", **OPTIONS, **draft) as llm:
            wanted: dict[str, Any] = {"max_tokens": 12, "temperature": 0, "ignore_eos": True}
            chat = llm.chat(**wanted)
            first = chat("hello")
            chat.save(tmp_path / "hello.chat", state=True)
            loaded = llm.load_chat(tmp_path / "hello.chat", **wanted)
            texts.append([first.text, chat("world").text, loaded("world").text])
    assert texts[0] == texts[1]
    assert texts[0][1] == texts[0][2]


TYPES = ("f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_cache_rounds_as_little_as_it_should(base: Path, open_llama: Open, kind: str) -> None:
    """The probabilities stay near those of a cache without loss, the nearer the more bits there are."""
    bound = {"f16": 0.01, "bf16": 0.06, "q8_0": 0.06}.get(kind, 0.8)
    rows = []
    for each in ("f32", kind):
        # with it, f32 is rounded to f16; without it, values are not quantized
        options = {"cache_type_k": each, "cache_type_v": each, "flash_attn": each != "f32"}
        with open_llama(base, **{**OPTIONS, **options}) as llm:
            assert f"keys {each}, values {each}" in str(llm.explain())
            rows.append(llm.score(PROMPT, [" the question; to be"], chat=False)[0].tokens)
    assert 0 < np.abs(np.array(rows[0]) - rows[1]).max() < bound


def test_unknown_types_of_caches_are_refused(base: Path, open_llama: Open) -> None:
    with pytest.raises(InputError, match=r"cache-type-k|cache_type_k"):
        open_llama(base, cache_type_k="q3_9", ctx_size=256)
