"""Grammars and UTF-8: only texts that are, whatever the tokens that a character is made of."""

from __future__ import annotations

import llamapack
import numpy as np
import pytest
from llamapack.errors import SamplingError
from llamapack.grammar import Grammar
from llamapack.sampling import Penalties, Sampler

from tests.support.grammars.chains import allowed, chain, feed
from tests.support.grammars.utf8 import is_text


def tokens_of_bytes(vocab: llamapack.Vocab) -> dict[int, int]:
    """The token of each single byte that has one."""
    pieces = {token: vocab.piece(token) for token in range(len(vocab)) if not vocab.is_control(token)}
    return {piece[0]: token for token, piece in reversed(pieces.items()) if len(piece) == 1}


def begins_text(data: bytes) -> bool:
    """Return True if something may follow that makes it UTF-8, or nothing has to."""
    return any(is_text(data + byte * count) for byte in (b"\x80", b"\xbf") for count in range(4))


def next_bytes(sampler: Sampler, tokens: dict[int, int]) -> set[int]:
    left = sampler.apply(np.zeros(len(tokens)), list(tokens.values()))
    chosen = set(left.ids[np.isfinite(left.logits)].tolist())
    return {byte for byte, token in tokens.items() if token in chosen}


@pytest.mark.parametrize("grammar", ["root ::= .", "root ::= [^\\x00]", "root ::= [\\x01-\\U0010FFFF]"])
def test_only_utf_8_passes_a_grammar(vocab: llamapack.Vocab, grammar: str) -> None:
    tokens = tokens_of_bytes(vocab)
    assert len(tokens) > 200
    leads = [lead for lead in range(0x80, 0x100) if lead in tokens]
    beginnings = [bytes([lead]) for lead in leads]
    beginnings += [bytes([lead, byte]) for lead in leads if lead >= 0xE0 for byte in (0x80, 0x90, 0xA0)]
    seen = 0
    with chain(vocab, grammar) as sampler:
        for data in beginnings:
            sampler.reset()
            if not begins_text(data):
                with pytest.raises(SamplingError):
                    feed_bytes(sampler, tokens, data)
                continue
            feed_bytes(sampler, tokens, data)
            assert next_bytes(sampler, tokens) == {byte for byte in tokens if begins_text(data + bytes([byte]))}, data
            seen += 1
    assert seen > 50


def feed_bytes(sampler: Sampler, tokens: dict[int, int], data: bytes) -> None:
    for byte in data:
        sampler.accept(tokens[byte])


def test_an_overlong_spelling_of_a_value_does_not_pass(vocab: llamapack.Vocab) -> None:
    tokens = tokens_of_bytes(vocab)
    with Sampler(vocab, json_schema={"enum": ["在线"]}, temperature=0) as sampler:
        feed_bytes(sampler, tokens, '"在线"'.encode())
        assert allowed(sampler, vocab) == {b""}
        sampler.reset()
        feed_bytes(sampler, tokens, b'"')
        for data in (b"\xf0\x85\x9c\xa8", b"\xf0"):
            with pytest.raises(SamplingError):
                feed_bytes(sampler, tokens, data)
        assert next_bytes(sampler, tokens) == {0xE5}


def test_a_character_of_several_tokens_that_does_not_fit_is_refused_at_its_first(vocab: llamapack.Vocab) -> None:
    first, *rest = vocab.tokenize("😀", add_special=False)
    assert rest, "the test needs a character of several tokens"
    assert vocab.eos is not None
    with chain(vocab, 'root ::= "a"', Penalties(8, presence=3.0)) as sampler:
        for token in (first, *rest, vocab.eos):
            with pytest.raises(SamplingError, match="the grammar does not allow the token"):
                sampler.accept(token)
        feed(sampler, vocab, "a")
        assert allowed(sampler, vocab) == {b""}
        with pytest.raises(SamplingError, match="the grammar does not allow the token"):
            sampler.accept(first)
        assert allowed(sampler, vocab) == {b""}


def test_the_beginning_of_a_character_does_not_wake_a_grammar_it_does_not_fit(vocab: llamapack.Vocab) -> None:
    first, *_ = vocab.tokenize("😀", add_special=False)
    with chain(vocab, Grammar('root ::= [^x] "a"', trigger_patterns=("<(.)",))) as sampler:
        feed(sampler, vocab, "<")
        sampler.accept(first)
    with chain(vocab, Grammar('root ::= "é" "a"', trigger_patterns=("<(.)",))) as sampler:
        feed(sampler, vocab, "<")
        with pytest.raises(SamplingError, match="the grammar does not allow the token"):
            sampler.accept(first)
