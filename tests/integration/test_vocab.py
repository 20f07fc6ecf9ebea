"""Text to tokens and back, to the byte."""

import llamapack
import pytest


@pytest.mark.parametrize(
    "text", ["Hello, world!", "", "a\0b", "  two  spaces\n\ttab", "Grüße 世界 🌍", "<|im_start|>user"]
)
def test_text_comes_back_as_it_was(model: llamapack.Model, text: str) -> None:
    tokens = model.vocab.tokenize(text, add_special=False)
    assert model.vocab.detokenize(tokens).decode() == text
    assert b"".join(model.vocab.piece(token, special=True) for token in tokens).decode() == text


def test_special_text_is_plain_text_unless_asked_for(model: llamapack.Model) -> None:
    assert model.vocab.tokenize("<|im_start|>", add_special=False, parse_special=True) == [1]
    assert len(model.vocab.tokenize("<|im_start|>", add_special=False)) > 1


def test_special_tokens_are_known(model: llamapack.Model) -> None:
    vocab = model.vocab
    assert (len(vocab), vocab.bos, vocab.eos) == (49152, 1, 2)
    assert vocab.is_end(2)
    assert not vocab.is_end(100)


def test_bytes_that_are_no_text_are_taken(model: llamapack.Model) -> None:
    tokens = model.vocab.tokenize(b"a\xf0\x9f\x8c\x8d\0b", add_special=False)
    assert model.vocab.detokenize(tokens) == b"a\xf0\x9f\x8c\x8d\0b"


def test_a_long_text_needs_no_second_guess(model: llamapack.Model) -> None:
    text = "lorem ipsum " * 5000
    assert model.vocab.detokenize(model.vocab.tokenize(text, add_special=False)).decode() == text
