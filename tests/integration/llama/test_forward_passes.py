"""Rankings, scores and LoRA adapters of small models, against independent forward passes and merged weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack import Llama
from llamapack.errors import InputError

from tests.support.gguf.files import bpe_vocabulary
from tests.support.reference.bert import Bert
from tests.support.reference.llama import Llama as Reference
from tests.support.reference.made_adapters import write_lora
from tests.support.reference.made_models import write_model
from tests.support.reference.made_vocabularies import SPECIAL, whole_words
from tests.support.reference.weights import Floats, Weights, read_weights

Open = Callable[..., Llama]
WORDS = "abcdefgh"
CLS, SEP = list(SPECIAL).index("[CLS]"), list(SPECIAL).index("[SEP]")
EXACT: dict[str, Any] = {"cache_type_k": "f32", "cache_type_v": "f32", "ctx_size": 512}
"""Options that round as little as the forward pass in numpy."""
ADAPTED = {"first": ["blk.0.attn_q", "blk.1.ffn_down"], "second": ["blk.0.attn_v", "blk.1.attn_output"]}


def ranked_tokens(query: str, document: str, *, closed: bool) -> list[int]:
    """Return a pair as a reranker reads it; BERT's own has a [SEP] at the end."""
    words = whole_words(WORDS, 96)
    first, second = ([words.index(f"\u2581{word}") for word in text.split()] for text in (query, document))
    return [CLS, *first, SEP, *second, *([SEP] if closed else [])]


@pytest.mark.parametrize("kind", ["reranker", "pooled reranker"])
@pytest.mark.parametrize("closed", [False, True], ids=["llama.cpp's end", "BERT's end"])
def test_documents_have_the_scores_of_the_classifier(open_llama: Open, tmp_path: Path, kind: str, closed: bool) -> None:
    ends = {"eos_token_id": SEP, "add_eos_token": True, "add_sep_token": False}
    metadata: dict[str, Any] = {f"tokenizer__ggml__{name}": value for name, value in ends.items()} if closed else {}
    path = write_model(tmp_path / "ranker.gguf", kind, words=WORDS, **metadata)
    documents = ["a b c", "d", "h g f e d c b a", "b", "c a"]
    bert = Bert(weights=read_weights(path))
    scores = [bert.rank(ranked_tokens("a b", each, closed=closed)) for each in documents]
    with open_llama(path) as llm:
        found = llm.rank("a b", documents)
    assert [each.index for each in found] == list(np.argsort(scores)[::-1])
    assert [each.score for each in found] == pytest.approx(sorted(scores, reverse=True), abs=2e-3)
    assert max(scores) - min(scores) > 0.1


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in which each letter is a token."""
    return write_model(tmp_path_factory.mktemp("base") / "base.gguf", "llama", vocabulary=bpe_vocabulary())


@pytest.fixture(scope="module")
def deltas(base: Path) -> Mapping[str, Mapping[str, Floats]]:
    """What the adapters beside the model add to its weights."""
    weights = read_weights(base)
    return {
        name: write_lora(base.with_name(f"{name}.gguf"), weights, changed, seed=seed)
        for seed, (name, changed) in enumerate(ADAPTED.items())
    }


@pytest.fixture(scope="module")
def plain(base: Path, open_llama: Open) -> Iterator[Llama]:
    with open_llama(base, parallel=1, **EXACT) as llm:
        yield llm


@pytest.fixture(scope="module")
def adapted(base: Path, deltas: Mapping[str, Mapping[str, Floats]], open_llama: Open) -> Iterator[Llama]:
    with open_llama(base, parallel=3, lora=[base.with_name(f"{name}.gguf") for name in deltas], **EXACT) as llm:
        yield llm


def forced(reference: Reference, before: Sequence[int], after: Sequence[int]) -> list[float]:
    """Return the logarithm of the probability of each token after those before it."""
    logits = reference.run([*before, *after]).logits[len(before) - 1 : -1].astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    logprobs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return [float(row[token]) for row, token in zip(logprobs, after, strict=True)]


def test_scores_are_those_of_the_forward_pass(plain: Llama, base: Path) -> None:
    reference = Reference(weights=read_weights(base))
    prompt, answers = "Why is the sky blue", [" because", " hello world", "!", " \u00e9\U0001f999"]
    before = plain.tokenize(prompt, special=True)
    for score in plain.score(prompt, answers, chat=False):
        expected = forced(reference, before, plain.tokenize(score.answer))
        assert score.tokens == pytest.approx(expected, abs=2e-3)
        assert score.logprob == pytest.approx(sum(expected), abs=5e-3)


def test_scores_of_a_chat_are_those_behind_its_template(base: Path, open_llama: Open) -> None:
    with open_llama(base, parallel=1, chat_template="chatml", **EXACT) as llm:
        (score,) = llm.score("Hi", ["hello"], system="Be brief")
        text = "<|im_start|>system\nBe brief<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        before = llm.tokenize(text, parse_special=True)
        expected = forced(Reference(weights=read_weights(base)), before, llm.tokenize("hello"))
    assert score.tokens == pytest.approx(expected, abs=2e-3)


def merged(
    base: Weights, deltas: Mapping[str, Mapping[str, Floats]], strengths: Mapping[str, float]
) -> dict[str, Floats]:
    """Return all weights, with what adapters at these strengths add to some of them."""
    found = dict(base.tensors)
    for adapter, strength in strengths.items():
        for name, delta in deltas[adapter].items():
            found[f"{name}.weight"] = found[f"{name}.weight"] + np.float32(strength) * delta
    return found


MIXTURES: Sequence[Mapping[str, float]] = (
    {},
    {"first": 1.0},
    {"first": 0.25},
    {"second": -0.5},
    {"first": 0.7, "second": 0.4},
    {"second": 1.0},
)


@pytest.mark.parametrize("strengths", MIXTURES, ids=str)
def test_adapters_answer_like_merged_weights(
    adapted: Llama,
    base: Path,
    deltas: Mapping[str, Mapping[str, Floats]],
    open_llama: Open,
    tmp_path: Path,
    strengths: Mapping[str, float],
) -> None:
    weights = merged(read_weights(base), deltas, strengths)
    path = write_model(tmp_path / "merged.gguf", "llama", vocabulary=bpe_vocabulary(), weights=weights)
    with open_llama(path, parallel=1, **EXACT) as llm:
        expected = llm.complete("Hello", max_tokens=24, temperature=0, logprobs=1, ignore_eos=True)
        score = llm.score("Hello", [" world"], chat=False)
    reply = adapted.complete("Hello", max_tokens=24, temperature=0, logprobs=1, ignore_eos=True, lora=strengths)
    assert [token.id for token in reply.logprobs] == [token.id for token in expected.logprobs]
    found, wanted = ([token.logprob for token in each.logprobs] for each in (reply, expected))
    assert found == pytest.approx(wanted, abs=5e-3)
    again = adapted.score("Hello", [" world"], chat=False, lora=strengths)
    assert again[0].tokens == pytest.approx(score[0].tokens, abs=5e-3)


def test_requests_at_once_keep_their_own_adapters(adapted: Llama) -> None:
    """Slots with different adapters, and prompts that are known from a request with other ones, are not mixed up."""

    def ask(strengths: Mapping[str, float]) -> list[float]:
        reply = adapted.complete(
            "Hello world", max_tokens=12, temperature=0, logprobs=1, ignore_eos=True, lora=strengths
        )
        return [token.logprob for token in reply.logprobs]

    alone = [ask(strengths) for strengths in MIXTURES]
    with ThreadPoolExecutor(len(MIXTURES)) as pool:
        together = list(pool.map(ask, [*MIXTURES] * 3))
    for number, found in enumerate(together):
        assert found == pytest.approx(alone[number % len(MIXTURES)], abs=5e-3)
    assert len({tuple(np.round(each, 2)) for each in alone}) == len(MIXTURES)


@pytest.mark.parametrize("first", [*MIXTURES, None], ids=str)
def test_what_is_cached_with_other_strengths_is_not_used(
    base: Path, adapted: Llama, open_llama: Open, first: Mapping[str, float] | None
) -> None:
    options: dict[str, Any] = {"max_tokens": 8, "temperature": 0, "logprobs": 1, "ignore_eos": True}
    adapters = [base.with_name(f"{name}.gguf") for name in ADAPTED]
    prompt = "the quick brown fox jumps over the lazy dog again"
    with open_llama(base, parallel=1, lora=adapters, **EXACT) as llm:
        for lora in (first, None, {"first": 1.0}, first):
            found = llm.complete(prompt, lora=lora, **options)
            fresh = adapted.complete(prompt, lora=lora, cache_prompt=False, **options)
            expected = [token.logprob for token in fresh.logprobs]
            assert [token.logprob for token in found.logprobs] == pytest.approx(expected, abs=5e-3)


def test_no_prompt_is_kept_without_its_strengths(base: Path, adapted: Llama, open_llama: Open) -> None:
    options: dict[str, Any] = {"max_tokens": 8, "temperature": 0, "logprobs": 1, "ignore_eos": True}
    adapters = [base.with_name(f"{name}.gguf") for name in ADAPTED]
    prompt = "the quick brown fox jumps over the lazy dog again, and again. " * 4
    with open_llama(base, parallel=1, lora=adapters, **EXACT) as llm:
        llm.complete(prompt, lora={"first": 1.0}, **options)
        llm.complete("0123456789 what else is there to say? " * 4, lora={}, **options)
        found, fresh = (each.complete(prompt, lora={}, **options) for each in (llm, adapted))
    assert [token.id for token in found.logprobs] == [token.id for token in fresh.logprobs]


def test_adapters_are_all_on_unless_a_call_names_some(adapted: Llama) -> None:
    default, both = (
        adapted.score("Hello", [" world"], chat=False, lora=lora)[0].tokens
        for lora in (None, {"first": 1.0, "second": 1.0})
    )
    assert default == pytest.approx(both, abs=5e-3)


def test_wrong_strengths_and_names_of_adapters_are_refused(adapted: Llama, base: Path, tmp_path: Path) -> None:
    for strength in (float("nan"), float("inf"), "1"):
        with pytest.raises(InputError, match=r"^The strength of 'first' must be a finite number"):
            adapted.complete("Hello", lora={"first": strength})  # type: ignore[dict-item]  # the fault looked for
    with pytest.raises(InputError, match=r"^No LoRA adapter 'third' is loaded\.\nLoaded: 'first', 'second'\."):
        adapted.score("Hello", [" world"], chat=False, lora={"third": 1.0})
    twin = tmp_path / "first.gguf"
    twin.write_bytes(base.with_name("first.gguf").read_bytes())
    with pytest.raises(InputError, match=r"^Two LoRA adapters are called 'first'\."):
        Llama(base, threads=1, warmup=False, lora=[base.with_name("first.gguf"), twin])
