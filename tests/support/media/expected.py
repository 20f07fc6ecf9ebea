"""What numpy makes of a projector and a model: the embeddings of media, and the logits after a text with an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.support.reference.llama import Llama
from tests.support.reference.projectors import embed_gemma3, embed_llava
from tests.support.reference.weights import Floats, read_weights

TOLERANCE = 5e-3
"""How much embeddings of size 1 may differ: llama.cpp's tables for GELU have 16 bits, and so has what it convolves."""
EMBED = {"llava": embed_llava, "gemma3": embed_gemma3}
"""The definitions of those that bring an image to one size."""


def logits_after(path: Path, before: tuple[int, ...], image: Floats, after: tuple[int, ...], *, whole: bool) -> Floats:
    """Return the logits after the last token; with `whole`, rows of the image see those after them."""
    weights = read_weights(path)
    table = weights.tensors["token_embd.weight"]
    rows = np.concatenate([table[list(before)], image, table[list(after)]])
    count, begin, end = len(rows), len(before), len(before) + len(image)
    mask = np.tril(np.ones((count, count), dtype=bool))
    if whole:
        mask[begin:end, begin:end] = True
    return np.asarray(Llama(weights=weights, mask=mask).run(rows=rows).logits[-1])
