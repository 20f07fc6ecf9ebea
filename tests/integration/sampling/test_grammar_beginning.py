"""Where grammars begin: behind what the prompt has already, and not while the model is thinking."""

from __future__ import annotations

from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack.errors import GrammarError, SamplingError
from llamapack.grammar import Grammar
from llamapack.sampling import Sampler

from tests.support.grammars.chains import allowed, feed

CALL = Grammar(
    'root ::= "[" "x" "]"',
    trigger_words=("[",),
    thinking_start="<think>",
    thinking_ends=("</think>", "[go"),
)


def waits(sampler: Sampler, vocab: llamapack.Vocab) -> bool:
    return bool(np.isfinite(sampler.apply(np.zeros(len(vocab))).logits).sum() == len(vocab))


def test_a_grammar_goes_on_behind_what_was_written(vocab: llamapack.Vocab) -> None:
    grammar = Grammar('root ::= "ab" ("c" | "d") "e"', begun="abd")
    with Sampler.chain([grammar], vocab=vocab) as sampler:
        for _ in range(2):
            assert allowed(sampler, vocab) == {b"e"}
            feed(sampler, vocab, "e")
            assert allowed(sampler, vocab) == {b""}
            sampler.reset()
        with sampler.copy() as copied:
            assert allowed(copied, vocab) == {b"e"}


def test_what_was_written_must_fit(vocab: llamapack.Vocab) -> None:
    with pytest.raises(GrammarError, match="The grammar cannot be used") as caught:
        Sampler.chain([Grammar('root ::= "ab"', begun="ax")], vocab=vocab)
    assert "does not allow the token" in caught.value.why


@pytest.mark.parametrize(
    ("texts", "waiting"),
    [
        (("a", "<think>", "b [ c"), True),
        (("a", "<think>", "b [ c", "</think>", "d"), True),
        (("a", "<think>", "b", "</think>", "["), False),
        (("a", "<think>", "b", "</think>", "c", "<think>", "["), True),  # models may think again
        (("a", "</think>", "["), False),  # which ends nothing
        (("a", "<thin>", "["), False),
    ],
    ids=str,
)
def test_nothing_wakes_a_grammar_within_thinking(vocab: llamapack.Vocab, texts: tuple[str, ...], waiting: bool) -> None:
    with Sampler.chain([CALL], vocab=vocab) as sampler:
        for _ in range(2):
            for text in texts:
                feed(sampler, vocab, text)
            assert waits(sampler, vocab) is waiting
            with sampler.copy() as copied:
                assert waits(copied, vocab) is waiting
            sampler.reset()
            assert waits(sampler, vocab)


def test_the_end_of_thinking_may_be_the_beginning_of_a_call(vocab: llamapack.Vocab) -> None:
    grammar = Grammar(
        'root ::= "[go" "x" "]"', trigger_words=("[go",), thinking_start="<think>", thinking_ends=("[go",)
    )
    with Sampler.chain([grammar], vocab=vocab) as sampler:
        for text in ("<think>", " a ", "[go"):
            feed(sampler, vocab, text)
        assert not waits(sampler, vocab)
        assert allowed(sampler, vocab) == {b"x"}


def test_the_prompt_may_end_within_thinking(vocab: llamapack.Vocab) -> None:
    with Sampler.chain([Grammar('root ::= "[x]"', trigger_words=("[",), begun="<think>")], vocab=vocab) as sampler:
        feed(sampler, vocab, "[")
        assert not waits(sampler, vocab)
    marks: dict[str, Any] = {"thinking_start": "<think>", "thinking_ends": ("</think>",), "begun": "user\n<think>"}
    with Sampler.chain([Grammar('root ::= "[x]"', trigger_words=("[",), **marks)], vocab=vocab) as sampler:
        feed(sampler, vocab, "[")
        assert waits(sampler, vocab)
        sampler.reset()
        feed(sampler, vocab, "</think>")
        feed(sampler, vocab, "[")
        assert not waits(sampler, vocab)


def test_a_refused_token_changes_nothing(vocab: llamapack.Vocab) -> None:
    with Sampler.chain([CALL], vocab=vocab) as sampler:
        feed(sampler, vocab, "[")
        for _ in range(2):
            with pytest.raises(SamplingError):
                feed(sampler, vocab, "<")
        assert b"x" in allowed(sampler, vocab)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"begun": 5}, "begun must be a text, not 5."),
        ({"thinking_start": None}, "thinking_start must be a text, not None."),
        ({"thinking_start": "a"}, "thinking_start and thinking_ends belong together."),
        ({"thinking_ends": ("a",)}, "thinking_start and thinking_ends belong together."),
        ({"thinking_start": "a", "thinking_ends": "b"}, "thinking_ends must be several, not one text: 'b'."),
        (
            {"thinking_start": "a", "thinking_ends": ("",)},
            "A mark of thinking must be a text that is not empty, not ''.",
        ),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        Grammar('root ::= "a"', **options)
    assert caught.value.what == message
