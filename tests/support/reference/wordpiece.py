"""BERT's tokenizer, written from its description: words and signs, then the longest pieces that the vocabulary has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2CEAF), (0x2F800, 0x2FA1F))


def tokenize(text: str, vocabulary: Mapping[str, int]) -> list[int]:
    """Return the tokens of a text without capitals and accents, between [CLS] and [SEP]."""
    pieces = (piece for word in _words(text) for piece in _pieces(word, vocabulary))
    return [vocabulary[piece] for piece in ("[CLS]", *pieces, "[SEP]")]


def _words(text: str) -> list[str]:
    kept = (letter for letter in text if letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cf"))
    letters = unicodedata.normalize("NFD", "".join(kept).lower())
    plain = (letter for letter in letters if unicodedata.category(letter) != "Mn")
    return "".join(f" {letter} " if _stands_alone(letter) else letter for letter in plain).split()


def _stands_alone(letter: str) -> bool:
    is_sign = letter.isascii() and letter.isprintable() and not letter.isalnum() and letter != " "
    is_ideograph = any(first <= ord(letter) <= last for first, last in _IDEOGRAPHS)
    return is_sign or is_ideograph or unicodedata.category(letter).startswith("P")


def _pieces(word: str, vocabulary: Mapping[str, int]) -> Iterator[str]:
    found: list[str] = []
    while word:
        before = "##" if found else ""
        lengths = range(len(word), 0, -1)
        length = next((length for length in lengths if before + word[:length] in vocabulary), None)
        if length is None:
            yield "[UNK]"
            return
        found.append(before + word[:length])
        word = word[length:]
    yield from found
