"""Grammars: what they allow, how they end, what wakes a lazy one, and which are refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack.errors import ClosedError, GrammarError, InputError, SamplingError
from llamapack.grammar import Grammar
from llamapack.sampling import Dist, Greedy, LogitBias, Penalties, Sampler, Stage, TopK, TopP

from tests.support.children import python
from tests.support.grammars.chains import allowed, allowed_tokens, chain, feed


def test_only_what_the_grammar_says_may_come(vocab: llamapack.Vocab) -> None:
    with chain(vocab, 'root ::= "yes" | "no" [.!]') as sampler:
        assert allowed(sampler, vocab) == {b"n", b"y", b"no", b"ye", b"yes"}
        feed(sampler, vocab, "n")
        assert allowed(sampler, vocab) == {b"o"}
        feed(sampler, vocab, "o")
        assert allowed(sampler, vocab) == {b".", b"!"}
        feed(sampler, vocab, ".")
        assert allowed(sampler, vocab) == {b""}
        assert vocab.eos is not None
        sampler.accept(vocab.eos)
        assert allowed(sampler, vocab) == {b""}


def test_a_token_that_does_not_fit_is_refused_and_changes_nothing(vocab: llamapack.Vocab) -> None:
    assert vocab.eos is not None
    with chain(vocab, 'root ::= "yes" | "no"', Penalties(8, 1.5)) as sampler:
        feed(sampler, vocab, "y")
        for token, shown in ((vocab.eos, "<|im_end|>"), (vocab.tokenize("n", add_special=False)[0], "n")):
            with pytest.raises(SamplingError) as caught:
                sampler.accept(token)
            assert str(caught.value) == (
                f"The token {token} cannot be accepted.\nthe grammar does not allow the token {token} ('{shown}') here"
            )
        assert allowed(sampler, vocab) == {b"e", b"es"}


def test_letters_in_parts_are_followed(vocab: llamapack.Vocab) -> None:
    with chain(vocab, 'root ::= "🌍" | [가-힣]') as sampler:
        feed(sampler, vocab, "🌍")
        assert allowed(sampler, vocab) == {b""}
        sampler.reset()
        feed(sampler, vocab, "한")
        assert allowed(sampler, vocab) == {b""}


def test_a_token_that_wakes_a_grammar_it_does_not_fit_is_not_counted(vocab: llamapack.Vocab) -> None:
    lazy = Grammar('root ::= "<t>" [0-9]', trigger_words=("<t",))
    (wrong,) = vocab.tokenize("to", add_special=False)
    with Sampler.chain([Penalties(8, presence=3.0), lazy], vocab=vocab) as sampler:
        feed(sampler, vocab, "a <")
        with pytest.raises(SamplingError, match="the grammar does not allow the token"):
            sampler.accept(wrong)
        assert sampler.apply([0.0, 0.0], [wrong, 5]).logits.tolist() == [0.0, 0.0]


def test_tokens_can_be_named(vocab: llamapack.Vocab) -> None:
    with chain(vocab, 'root ::= <|im_start|> "a" !<[100]>') as sampler:
        sampler.accept(1)
        feed(sampler, vocab, "a")
        with pytest.raises(SamplingError):
            sampler.accept(100)
        sampler.accept(101)


def test_a_copy_and_a_reset_stand_where_they_should(vocab: llamapack.Vocab) -> None:
    with chain(vocab, 'root ::= "abc"+') as first:
        feed(first, vocab, "ab")
        with first.copy() as second:
            feed(first, vocab, "c")
            assert b"" in allowed(first, vocab)
            assert allowed(second, vocab) == {b"c", b"ca"}
        first.reset()
        assert allowed(first, vocab) == {b"a", b"ab", b"abc"}


@pytest.mark.parametrize("stages", [(TopK(3), Greedy()), (Greedy(),), (TopP(0.5), Dist())], ids=str)
def test_the_grammar_holds_wherever_it_stands(vocab: llamapack.Vocab, stages: tuple[Stage, ...]) -> None:
    logits = np.zeros(len(vocab))
    (no,) = vocab.tokenize("no", add_special=False)
    logits[no] = 1.0
    with Sampler.chain([Grammar('root ::= "no"'), *stages], vocab=vocab, seed=1) as sampler:
        assert sampler.apply(logits).selected == no
    (maybe,) = vocab.tokenize(" maybe", add_special=False)
    logits[maybe] = 5.0
    with Sampler.chain([TopK(2), Grammar('root ::= "no"'), *stages], vocab=vocab, seed=1) as sampler:
        assert sampler.apply(logits).selected == no


def test_a_prompt_is_none_of_the_grammars_business(vocab: llamapack.Vocab) -> None:
    with chain(vocab, 'root ::= "yes"', Penalties(8, presence=3.0)) as sampler:
        sampler.accept_prompt(vocab.tokenize("say y or n"))
        assert b"yes" in allowed(sampler, vocab)


LAZY = {
    "a word": Grammar('root ::= "<t>" [0-9] "</t>"', trigger_words=("<t>",)),
    "a pattern": Grammar('root ::= "<t>" [0-9] "</t>"', trigger_patterns=("<[s-u]>",)),
    "a group": Grammar('root ::= "<t>" [0-9] "</t>"', trigger_patterns=("call: (<t>)",)),
}


@pytest.mark.parametrize("grammar", LAZY.values(), ids=LAZY)
def test_a_lazy_grammar_waits_for_its_trigger(vocab: llamapack.Vocab, grammar: Grammar) -> None:
    with chain(vocab, grammar) as sampler:
        assert len(allowed_tokens(sampler, vocab)) > 40_000
        feed(sampler, vocab, "I shall call: ")
        assert len(allowed_tokens(sampler, vocab)) > 40_000
        feed(sampler, vocab, "<t>")
        assert allowed(sampler, vocab) == {str(digit).encode() for digit in range(10)}
        feed(sampler, vocab, "7</t>")
        assert allowed(sampler, vocab) == {b""}
        sampler.reset()
        assert len(allowed_tokens(sampler, vocab)) > 40_000


def test_a_token_can_be_the_trigger(vocab: llamapack.Vocab) -> None:
    with chain(vocab, Grammar('root ::= <[5]> "x"', trigger_tokens=(5,))) as sampler:
        feed(sampler, vocab, "anything")
        sampler.accept(5)
        assert allowed(sampler, vocab) == {b"x"}


def test_text_that_wakes_a_grammar_it_does_not_fit_is_refused(vocab: llamapack.Vocab) -> None:
    with chain(vocab, Grammar('root ::= "<t>" [0-9]', trigger_words=("<t",))) as sampler:
        feed(sampler, vocab, "a <")
        (wrong,) = vocab.tokenize("to", add_special=False)
        with pytest.raises(SamplingError, match="cannot be accepted"):
            sampler.accept(wrong)
        feed(sampler, vocab, "t>")
        assert allowed(sampler, vocab) == {str(digit).encode() for digit in range(10)}


def test_waiting_for_a_trigger_costs_nothing_in_a_long_text(vocab: llamapack.Vocab) -> None:
    grammar = Grammar('root ::= "<t>" [0-9]', trigger_patterns=("(<t>)", "^never$"))
    tokens = vocab.tokenize("word " * 30_000, add_special=False)
    with chain(vocab, grammar) as sampler:
        began = time.perf_counter()
        for token in tokens:
            sampler.accept(token)
        assert time.perf_counter() - began < 20
        assert len(allowed_tokens(sampler, vocab)) > 40_000
        feed(sampler, vocab, "<t>")
        assert allowed(sampler, vocab) == {str(digit).encode() for digit in range(10)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('root ::= "a" | b', "The rule 'b' is not defined."),
        ("root ::= (", "Line 1, column 11: expecting ')'."),
        ('root ::= "a"\nb ::= %', "Line 2, column 7: expecting newline or end."),
        ('root ::= "a\\q"', "Line 1, column 12: unknown escape."),
        ('root ::= "a', "In the rule at line 1, column 1: unexpected end of input."),
        ('x ::= "a"', "There is no rule 'root'."),
        ('root ::= root "a"', "A rule begins with itself, which is not supported: 'root' -> 'root'."),
        ('root ::= a\na ::= b* root "x"\nb ::= "y"?', "A rule begins with itself, which is not supported: "),
        ('root ::= a a root "y"\na ::= b\nb ::= "x"?', "A rule begins with itself, which is not supported: "),
        ('root ::= x "b"\nx ::= y x | "a"*\ny ::= x | "a"?', "not supported: 'x' -> 'y' -> 'x'."),
        ('root ::= x "b"\nx ::= y | "a"*\ny ::= x | "a"?', "not supported: 'x' -> 'y' -> 'x'."),
        ('root ::= a b | "c"\na ::= "x"?\nb ::= root | root "y"', "not supported: 'b' -> 'root' -> 'b'."),
        ('root ::= "a"{5,2}', "Line 1, column 13: a repetition from 5 to 2 times."),
        ('root ::= "a" {18,15}', "Line 1, column 14: a repetition from 18 to 15 times."),
        ('root ::= "a"{3000}', "In the rule at line 1, column 1: number of repetitions exceeds sane defaults"),
        (f'root ::= "{"a" * 20_000}"{{2000}}', "the grammar is too large with its repetitions written out."),
        ("root ::= " + "(" * 100_000, "more than 200 nested brackets."),
        ("root ::= <nope>", "In the rule at line 1, column 1: invalid token '<nope>'."),
        (
            "\n".join(["root ::= r0", *(f"r{i} ::= r{i + 1}" for i in range(5000)), 'r5000 ::= "a"']),
            "can begin in too many ways: it has a chain of rules longer than 1000.",
        ),
        (
            "\n".join(["root ::= r0", *(f'r{i} ::= r{i + 1} "a" | r{i + 1} "b"' for i in range(40)), 'r40 ::= "c"']),
            "can begin in too many ways: it has more than 50000.",
        ),
    ],
    ids=lambda text: text[:30],
)
def test_a_bad_grammar_is_refused_with_the_reason(vocab: llamapack.Vocab, text: str, reason: str) -> None:
    for refused in (lambda: Grammar(text).check(vocab), lambda: chain(vocab, text)):
        with pytest.raises(GrammarError) as caught:
            refused()
        assert caught.value.what == "The grammar cannot be used."
        assert reason in caught.value.why
        assert len(caught.value.why) < 300


@pytest.mark.parametrize(
    "text",
    [
        'root ::= ("a"?)* "b"',
        'root ::= (x "a"?)* "b"\nx ::= "a"?',
        'root ::= ((("a"*)*)* ("a"?)+)* "b"',
    ],
)
def test_a_rule_that_leads_back_to_itself_at_its_end_is_followed(vocab: llamapack.Vocab, text: str) -> None:
    Grammar(text).check(vocab)
    with chain(vocab, text) as sampler:
        for letters in ("b", "ab", "aaaab"):
            sampler.reset()
            feed(sampler, vocab, letters[:-1])
            assert {b"a", b"b"} <= allowed(sampler, vocab)
            feed(sampler, vocab, "b")
            assert allowed(sampler, vocab) == {b""}


def test_nothing_is_printed_for_a_bad_grammar(model_path: Path) -> None:
    code = """
import sys, llamapack
from llamapack.grammar import Grammar
model = llamapack.Model(sys.argv[1], vocab_only=True)
for text in ('root ::= (', 'root ::= root "a"', 'x ::= "a"', 'root ::= y'):
    try:
        llamapack.Sampler(model.vocab, grammar=text)
    except llamapack.errors.GrammarError:
        print("refused")
"""
    answer = python(code, model_path)
    assert (answer.status, answer.out.split(), answer.err) == (0, ["refused"] * 4, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": ""}, "The grammar must be a text that is not empty, not ''."),
        ({"text": " \n"}, "The grammar must be a text that is not empty"),
        ({"text": 'root ::= "a\0"'}, "The grammar has a NUL character."),
        ({"text": 'root ::= "a"', "root": ""}, "The name of the root rule must be a text that is not empty"),
        ({"text": 'root ::= "a"', "trigger_words": [""]}, "A trigger must be a text that is not empty, not ''"),
    ],
)
def test_a_grammar_that_is_none_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        Grammar(**arguments)
    assert str(caught.value).startswith(message)


def test_a_bad_trigger_is_refused(vocab: llamapack.Vocab) -> None:
    with pytest.raises(GrammarError, match=r"The trigger pattern '\(' is not a regular expression"):
        chain(vocab, Grammar('root ::= "a"', trigger_patterns=("(",)))
    with pytest.raises(InputError, match="There is no token 49152"):
        chain(vocab, Grammar('root ::= "a"', trigger_tokens=(49152,)))


def test_grammar_and_schema_exclude_each_other(vocab: llamapack.Vocab) -> None:
    with pytest.raises(InputError, match="grammar and json_schema cannot be given together"):
        Sampler(vocab, grammar='root ::= "a"', json_schema={})


def test_a_grammar_is_closed_with_its_model(model_path: Path) -> None:
    with llamapack.Model(model_path, vocab_only=True) as model:
        sampler = Sampler(model.vocab, grammar='root ::= "a"', temperature=0)
    with pytest.raises(ClosedError):
        sampler.apply([0.0])


def test_no_text_left_is_an_error(model: llamapack.Model) -> None:
    (only,) = model.vocab.tokenize("y", add_special=False)
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        context.decode([1])
        with Sampler.chain(
            [Grammar('root ::= "y"'), LogitBias({only: -np.inf}), Greedy()], vocab=model.vocab
        ) as sampler:
            with pytest.raises(SamplingError, match="no token is left to choose"):
                sampler.sample(context)
            sampler.remove(1)
            assert model.vocab.piece(sampler.sample(context)) == b"y"
