"""Which tokens of the last batch have an output, and its row in llama.cpp's buffers."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llamapack._native.arrays import Views
from llamapack._native.owner import Lifetime
from llamapack.errors import InputError, StateError


class OutputRows:
    """The outputs of a context's last batch, and the arrays that still show llama.cpp's memory for them."""

    def __init__(self, lifetime: Lifetime[Any], capacity: int) -> None:
        """Begin without outputs; llama.cpp has memory for `capacity` of them."""
        self.views = Views(lifetime)
        self.indices: Sequence[int] = ()
        self._capacity = capacity

    def forget(self) -> None:
        """Drop all outputs."""
        self.indices = ()

    @contextmanager
    def replaced(self, indices: Sequence[int]) -> Iterator[None]:
        """If the block succeeds, the outputs are those at `indices`; if it fails, there are none.

        Raises StateError if llama.cpp would move its buffers while an array still shows them.
        """
        self.forget()
        if len(indices) > self._capacity:
            if self.views:
                raise StateError(
                    f"This batch has {len(indices)} outputs, more than there is memory for, and an array made with "
                    "copy=False still shows that memory.",
                    fix="Delete the array before, or make it with copy=True.",
                )
            self._capacity = len(indices)
        yield
        self.indices = indices

    def row(self, index: int) -> int:
        """Return the row of the output at `index`; a negative index counts from the last output."""
        count = len(self.indices)
        if not count:
            raise StateError("There is nothing to sample from.", fix="Decode at least one token first.")
        if type(index) is not int:  # before int(), which would accept a text or a fraction
            index = _checked_index(index)
        if index < 0:
            if index >= -count:
                return count + index
        elif index in self.indices:
            return self.indices.index(index)
        shown = ", ".join(map(str, self.indices[:8])) + (", ..." if count > 8 else "")
        raise InputError(
            f"The last batch has no output {index!r}.",
            why=f"It has {count}, at {shown}.",
            fix="Mark the token as an output: Batch.add(..., outputs=...).",
        )


def _checked_index(index: object) -> int:
    try:
        return operator.index(index)  # type: ignore[arg-type]  # anything else raises TypeError
    except TypeError:
        raise InputError(f"An output is named by a whole number, not {index!r}.") from None
