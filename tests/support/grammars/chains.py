"""Sampler chains with grammars: which tokens may come next, and texts to continue with."""

from __future__ import annotations

import llamapack
import numpy as np
from llamapack.grammar import Grammar
from llamapack.sampling import Sampler, Stage


def allowed_tokens(sampler: Sampler, vocab: llamapack.Vocab) -> list[int]:
    left = sampler.apply(np.zeros(len(vocab)))
    tokens: list[int] = left.ids[np.isfinite(left.logits)].tolist()
    return tokens


def allowed(sampler: Sampler, vocab: llamapack.Vocab) -> set[bytes]:
    """Return the tokens that may come next; the end of the text is the empty one."""
    tokens = allowed_tokens(sampler, vocab)
    assert len(tokens) < 1000
    return {b"" if vocab.is_end(token) else vocab.piece(token, special=True) for token in tokens}


def feed(sampler: Sampler, vocab: llamapack.Vocab, text: str) -> None:
    for token in vocab.tokenize(text, add_special=False):
        sampler.accept(token)


def chain(vocab: llamapack.Vocab, grammar: Grammar | str, *stages: Stage) -> Sampler:
    first = Grammar(grammar) if isinstance(grammar, str) else grammar
    return Sampler.chain([first, *stages], vocab=vocab, seed=1)
