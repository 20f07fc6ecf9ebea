"""`generate` with sampling parameters, log-probabilities and samplers of one's own."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack.chat import ChatTemplate
from llamapack.errors import InputError, SamplingError
from llamapack.grammar import Grammar
from llamapack.sampling import Dist, Sampler, Temperature

PROMPT = "The capital of France is"


def text(model: llamapack.Model, **options: Any) -> str:
    return "".join(llamapack.generate(model, PROMPT, n_threads=1, n_ctx=256, **options))


def test_a_refused_token_does_not_come(model: llamapack.Model) -> None:
    (paris,) = model.vocab.tokenize(" Paris", add_special=False)
    assert text(model, temperature=0, max_tokens=1) == " Paris"
    assert text(model, temperature=0, max_tokens=1, logit_bias={paris: -math.inf}) != " Paris"


def test_penalties_count_the_prompt_and_the_text(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        answer = llamapack.generate(
            model, "a b a b a b a", context=context, temperature=0, presence_penalty=1000, max_tokens=12
        )
        "".join(answer)
    assert not set(answer.tokens) & set(answer.prompt)
    assert len(set(answer.tokens)) == 12


def test_a_grammar_shapes_the_answer(model: llamapack.Model) -> None:
    answer = text(model, temperature=1.5, seed=3, grammar='root ::= " " ("Rome" | "Bern") "!"')
    assert answer in (" Rome!", " Bern!")


def test_a_grammar_takes_the_likeliest_of_what_it_allows(model: llamapack.Model) -> None:
    assert text(model, temperature=0, grammar='root ::= " " [B-Z] [a-z]{4}') == " Paris"


def test_logprobs_are_those_of_the_models_logits(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        answer = llamapack.generate(model, PROMPT, context=context, seed=5, max_tokens=4, logprobs=3)
        "".join(answer)
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        context.decode(answer.prompt)
        for entry in answer.logprobs:
            logits = context.outputs.logits().astype(np.float64)
            expected = logits - logits.max() - math.log(np.exp(logits - logits.max()).sum())
            assert entry.logprob == pytest.approx(expected[entry.token], abs=2e-3)
            best = np.argsort(-expected)[:3].tolist()
            assert list(entry.top) == best
            assert list(entry.top.values()) == pytest.approx(expected[best].tolist(), abs=2e-3)
            context.decode([entry.token])
    assert [entry.token for entry in answer.logprobs] == answer.tokens
    assert len(answer.tokens) == 4


def test_no_logprobs_unless_asked_for(model: llamapack.Model) -> None:
    answer = llamapack.generate(model, PROMPT, max_tokens=2, n_threads=1, n_ctx=256)
    "".join(answer)
    assert answer.logprobs == []
    without = llamapack.generate(model, PROMPT, max_tokens=2, n_threads=1, n_ctx=256, logprobs=0)
    "".join(without)
    assert [dict(entry.top) for entry in without.logprobs] == [{}, {}]


def test_a_sampler_of_ones_own_goes_on_where_it_was(model: llamapack.Model) -> None:
    with Sampler.chain([Temperature(1.2), Dist()], seed=9) as sampler:
        first, second = text(model, sampler=sampler, max_tokens=8), text(model, sampler=sampler, max_tokens=8)
        sampler.reset()
        assert text(model, sampler=sampler, max_tokens=8) == first
    assert first != second


def test_what_does_not_go_together_is_refused(model: llamapack.Model, model_path: Path) -> None:
    with (
        Sampler(seed=1) as sampler,
        pytest.raises(InputError, match=r"^A sampler was given, and top_k, seed beside it\."),
    ):
        llamapack.generate(model, PROMPT, sampler=sampler, top_k=3, seed=2)
    for number in (-1, 49153, 1.5):
        with pytest.raises(InputError, match="logprobs must be a whole number from 0 to 49152"):
            llamapack.generate(model, PROMPT, logprobs=number)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="temprature"):
        llamapack.generate(model, PROMPT, temprature=1)  # type: ignore[call-arg]
    with (
        llamapack.Model(model_path, vocab_only=True) as other,
        llamapack.Context(model, n_ctx=256, n_threads=1) as context,
    ):
        context.decode([1])
        with pytest.raises(InputError, match="the vocabulary of another model"):
            Sampler(other.vocab).sample(context)
        with pytest.raises(InputError, match="the vocabulary of another model"):
            llamapack.generate(model, PROMPT, context=context, sampler=Sampler(other.vocab))


def test_a_generation_that_cannot_go_on_says_so(model: llamapack.Model) -> None:
    ends = [token for token in range(len(model.vocab)) if model.vocab.is_end(token)]
    answer = llamapack.generate(
        model,
        PROMPT,
        grammar='root ::= " Rome"',
        logit_bias=dict.fromkeys(ends, -math.inf),
        temperature=0,
        n_threads=1,
        n_ctx=256,
    )
    with pytest.raises(SamplingError, match="no token is left to choose"):
        "".join(answer)
    answer.close()


def test_a_grammar_turns_the_thinking_of_a_chat_off(model: llamapack.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "{{ messages[0].content }}{% if not enable_thinking %}, no thinking{% endif %}:"
    monkeypatch.setattr("llamapack.generation.prompts.ChatTemplate", lambda model: ChatTemplate(model, source))

    def prompt(**more: Any) -> str:
        with llamapack.generate(model, "Hi", chat=True, max_tokens=1, n_ctx=256, n_threads=1, **more) as answer:
            return model.vocab.detokenize(answer.prompt).decode()

    assert prompt() == "Hi:"
    assert prompt(json_schema={}) == prompt(grammar='root ::= "a"') == "Hi, no thinking:"
    assert prompt(grammar=Grammar('root ::= "a"', trigger_words=("a",))) == "Hi:"
    with Sampler(model.vocab, json_schema=True) as sampler:
        assert prompt(sampler=sampler) == "Hi, no thinking:"
