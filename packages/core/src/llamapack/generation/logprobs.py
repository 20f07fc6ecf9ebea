"""Compute log probabilities from logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llamapack.errors import InputError

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats


def logprobs(logits: Floats) -> Floats:
    """Return the natural logarithm of the softmax over the last axis of `logits`, as float32 of the same shape.

    It is computed in 64 bits, so that the probabilities of a large vocabulary add up to 1 within 1e-6.

    Raises InputError for empty logits, and for a row without a finite number.
    """
    import numpy as np

    wide = np.asarray(logits, dtype=np.float64)
    if not wide.size or not wide.ndim:
        raise InputError(f"There are no logits in an array of shape {wide.shape}.")
    if not np.isfinite(wide.max(axis=-1)).all():
        raise InputError("The largest logit of a row is not a finite number, so that it has no probabilities.")
    shifted = wide - wide.max(axis=-1, keepdims=True)
    result = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.asarray(result, dtype=np.float32)
