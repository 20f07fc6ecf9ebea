"""Candidates: tokens that may come next, with their logits."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llamapack._native import _generated as api
from llamapack.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """The candidates that a chain leaves: their ids and logits, in its order, and the token it chose, if any."""

    ids: NDArray[np.int32]
    logits: NDArray[np.float32]
    selected: int | None

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The softmax of the logits, of shape (candidates,)."""
        import numpy as np

        weights = np.exp(self.logits.astype(np.float64) - self.logits.max(initial=-np.inf))
        total = weights.sum()
        return np.asarray(weights / total, dtype=np.float64)

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.ids)


def candidate_type() -> np.dtype[np.void]:
    """Return llama_token_data as a numpy data type."""
    import numpy as np

    return np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class CandidateArray:
    """A llama_token_data_array, which a chain changes in place."""

    def __init__(self, logits: ArrayLike, ids: ArrayLike | None) -> None:
        """Fill the array; without `ids`, the tokens are 0, 1, 2 and so on. Raises InputError if the shapes differ."""
        import numpy as np

        values = np.asarray(logits, dtype=np.float32)
        if values.ndim != 1 or not len(values):
            raise InputError(f"Logits must be a row of numbers, not an array of the shape {values.shape}.")
        if not (values < np.inf).all():
            raise InputError("A logit is infinite or not a number.", fix="Only -inf is allowed; it refuses a token.")
        tokens = np.arange(len(values), dtype=np.int32) if ids is None else np.asarray(ids)
        if tokens.shape != values.shape or not np.issubdtype(tokens.dtype, np.integer):
            raise InputError(f"There must be one whole number in ids for each of the {len(values)} logits.")
        if len(np.unique(tokens)) != len(tokens) or tokens.min() < 0 or tokens.max() >= 2**31:
            raise InputError("Each token must be in ids once, and none be negative.")
        self.tokens = tokens
        self._data = np.zeros(len(values), dtype=candidate_type())
        self._data["id"], self._data["logit"] = tokens, values
        pointer = self._data.ctypes.data_as(ctypes.POINTER(api.llama_token_data))
        self.native = api.llama_token_data_array(data=pointer, size=len(values), selected=-1, sorted=False)

    def result(self) -> Candidates:
        """Return a copy of the candidates that are left."""
        left = self._data[: self.native.size]
        selected = int(left["id"][self.native.selected]) if 0 <= self.native.selected < len(left) else None
        return Candidates(ids=left["id"].copy(), logits=left["logit"].copy(), selected=selected)
