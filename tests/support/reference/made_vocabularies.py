"""Vocabularies of made models: BERT's pieces of words, and any that is described as data."""

from __future__ import annotations

from collections.abc import Sequence

import gguf

from tests.support.gguf.files import Values

SPECIAL = {"[PAD]": "padding", "[UNK]": "unknown", "[CLS]": "bos", "[SEP]": "seperator", "[MASK]": "mask"}
"""BERT's special tokens, and what GGUF calls them."""


def add_words(writer: gguf.GGUFWriter, tokens: Sequence[str]) -> None:
    """Add BERT's tokenizer with these tokens; those that begin a word have a mark before it, as llama.cpp has it."""
    writer.add_tokenizer_model("bert")
    writer.add_token_list(list(tokens))
    writer.add_token_types([3 if token in SPECIAL else 1 for token in tokens])
    for token, name in SPECIAL.items():
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", tokens.index(token))


def whole_words(words: Sequence[str], count: int) -> list[str]:
    """Return the special tokens and whole words, and fill them up to `count`."""
    tokens = [*SPECIAL, *(f"\u2581{word}" for word in words)]
    return tokens + [f"\u2581unused{number}" for number in range(count - len(tokens))]


def add_vocabulary(writer: gguf.GGUFWriter, vocabulary: Values) -> None:
    """Add the metadata of a vocabulary."""
    for key, value in vocabulary.items():
        item = None if value.item is None else gguf.GGUFValueType(value.item)
        writer.add_key_value(str(key), value.value, gguf.GGUFValueType(value.type), sub_type=item)


def tokens_of(vocabulary: Values) -> Sequence[object]:
    """Return the tokens that it has."""
    tokens = vocabulary["tokenizer.ggml.tokens"].value
    assert isinstance(tokens, Sequence)
    return tokens
