"""Compute the embeddings of texts, one row per text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llamapack._native.arrays import normalized
from llamapack._util.arguments import check_int
from llamapack.context import Context
from llamapack.context.batch import Batch
from llamapack.context.options import Pooling
from llamapack.errors import InputError, PromptTooLongError
from llamapack.model import Model

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats

_SEQUENCES = 32


def embed(
    model: Model,
    texts: Sequence[str | bytes] | str | bytes,
    *,
    pooling: Pooling | None = None,
    normalize: bool = True,
    n_ctx: int | None = None,
    n_threads: int | None = None,
) -> Floats:
    """Return the embeddings of `texts`, of shape (texts, n_embd_out), or (n_embd_out,) for a single text.

    `pooling` says how the embeddings of a text's tokens become one (default: as the model was made for, or "mean").
    `normalize` divides each by its Euclidean length, so that the product of two is their cosine similarity. `n_ctx`
    limits how many tokens are computed at once (default: what the longest text needs, and at least 512).

    Raises InputError if there are no texts or one is empty, and PromptTooLongError for a text that does not fit.
    """
    import numpy as np

    many = [texts] if isinstance(texts, (str, bytes)) else list(texts)
    vocab = model.vocab
    tokens = [vocab.tokenize(text, add_special=True, parse_special=False) for text in many]
    if not tokens or not all(tokens):
        raise InputError("There is no text to embed, or one is empty.", fix="Leave empty texts out.")
    if pooling is None and model.facts.pooling <= 0:
        pooling = "mean"
    longest = max(map(len, tokens))
    limit = max(512, longest) if n_ctx is None else check_int("n_ctx", n_ctx)
    if longest > limit:
        raise PromptTooLongError(
            f"A text of {longest} tokens does not fit n_ctx={limit}.", fix="Make n_ctx larger, or shorten the text."
        )
    # llama.cpp needs an equal share for each sequence: 2, 4, ... 32 sequences can share a multiple of 256 tokens.
    size = -(-limit // 256) * 256
    sequences = 1 << (min(len(tokens), _SEQUENCES) - 1).bit_length()
    context = Context(
        model,
        n_ctx=size,
        n_batch=size,
        n_ubatch=size,
        n_seq_max=sequences,
        n_threads=n_threads,
        embeddings=True,
        pooling=pooling,
    )
    with context:
        rows = [row for group in _groups(tokens, limit, sequences) for row in _embed_group(context, group)]
        is_embedding = context.pooling != "rank"  # else scores, of which the length says nothing
    array = np.stack(rows)
    if normalize and is_embedding:
        array = normalized(array)
    return array[0] if isinstance(texts, (str, bytes)) else array


def _groups(tokens: Sequence[list[int]], limit: int, sequences: int) -> Iterator[list[list[int]]]:
    """Group texts, in their order, so that each group fits one batch."""
    group: list[list[int]] = []
    for text in tokens:
        if group and (len(group) == sequences or sum(map(len, group)) + len(text) > limit):
            yield group
            group = []
        group.append(text)
    if group:
        yield group


def _embed_group(context: Context, group: Sequence[list[int]]) -> list[Floats]:
    batch = Batch()
    for sequence, text in enumerate(group):
        batch.add_checked(text, sequence, outputs="all")
    context.clear()
    context.decode(batch)
    return [context.outputs.sequence_embedding(sequence) for sequence in range(len(group))]
