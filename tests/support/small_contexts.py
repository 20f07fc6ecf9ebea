"""Contexts for small models, and comparisons of their numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llamapack
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Made = Callable[[str], llamapack.Model]

TOKENS = (5, 1, 77, 3, 9, 44, 2, 60, 31, 8)

# Everything in 32 bits, so that numbers can be compared with a small tolerance.
EXACT: dict[str, Any] = {"type_k": "f32", "type_v": "f32", "flash_attention": "off"}


def context(model: llamapack.Model, **options: Any) -> llamapack.Context:
    """Make a small context with one thread."""
    return llamapack.Context(model, **{"n_ctx": 256, "n_threads": 1, **options})


def read_all(place: llamapack.Context, tokens: Sequence[int] = TOKENS, sequence: int = 0) -> Floats:
    """Read `tokens` in one batch; return the logits after each."""
    batch = llamapack.Batch()
    batch.add(tokens, sequence=sequence, outputs="all")
    place.decode(batch)
    return place.outputs.logits(None)


def logits_of(model: llamapack.Model, tokens: Sequence[int] = TOKENS, **options: Any) -> Floats:
    """Return the logits after each of `tokens`, computed in a new context."""
    with context(model, **options) as place:
        return read_all(place, tokens)


def distance(one: Floats, other: Floats) -> float:
    """Return the largest absolute difference."""
    return float(np.abs(one - other).max())


def cosine(one: Floats, other: Floats) -> float:
    """Return the smallest cosine similarity between rows."""
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return float(((one * other).sum(axis=-1) / lengths).min())
