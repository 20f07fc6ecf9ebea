"""The outputs of the last batch: logits and embeddings, as numpy arrays."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from llamapack._native.arrays import normalized
from llamapack.errors import InputError, StateError

if TYPE_CHECKING:
    from llamapack._native.arrays import Floats
    from llamapack.context.handle import ContextHandle


class Outputs:
    """The outputs of a context's last batch; use `context.outputs`.

    Arrays are independent copies by default. With `copy=False` they are read-only views of llama.cpp's own memory:
    their contents change with the next batch, and they keep the memory allocated even after the context is closed.
    While such an array exists, a batch that needs more memory for its outputs than any before raises StateError.
    """

    def __init__(self, context: ContextHandle) -> None:
        """Access the outputs of `context`."""
        self._context = context
        self._native = context.native
        self._views = context.rows.views

    @property
    def indices(self) -> tuple[int, ...]:
        """The indices of the tokens in the last batch that have an output."""
        return tuple(self._context.rows.indices)

    def logits(self, index: int | None = -1, *, copy: bool = True) -> Floats:
        """Return the logits after the token at `index` of the last batch, of shape (n_vocab,).

        A negative index counts from the last output; None gives all outputs, of shape (outputs, n_vocab).

        Raises InputError for a token without an output, and StateError if there are no logits.
        """
        with self._context.exclusive():
            self._context.check_logits()
            return self._rows(self._native.llama_get_logits, self._context.n_vocab, index, copy)

    def embeddings(self, index: int | None = None, *, normalize: bool = False, copy: bool = True) -> Floats:
        """Return the embedding of each output, of shape (outputs, n_embd_out), or of the one at `index`.

        `normalize` divides each by its Euclidean length, which makes a copy.

        Raises InputError for a token without an output, and StateError if embeddings are pooled or not computed.
        """
        context = self._context
        with context.exclusive():
            self._check_embeddings()
            if context.pooling != "none":
                raise StateError(
                    f"The embeddings of this context are pooled ({context.pooling}): there is one for each sequence.",
                    fix='Use outputs.sequence_embedding, or make the context with pooling="none".',
                )
            rows = self._rows(self._native.llama_get_embeddings, context.model.n_embd_out, index, copy)
        return normalized(rows) if normalize else rows

    def sequence_embedding(self, sequence: int = 0, *, normalize: bool = False) -> Floats:
        """Return the pooled embedding of `sequence`, of shape (n_embd_out,); with "rank", one score per class.

        Raises InputError for a sequence that was not in the last batch, and StateError if embeddings are not pooled.
        """
        context = self._context
        with context.exclusive():
            self._check_embeddings()
            if context.pooling == "none":
                raise StateError(
                    "This context pools nothing: there is an embedding for each token.",
                    fix='Use outputs.embeddings, or make the context with pooling="mean" or another.',
                )
            pointer = self._native.llama_get_embeddings_seq(context.handle, sequence)
            if not pointer:
                raise InputError(f"The last batch had nothing of sequence {sequence!r}.")
            width = context.model.call(self._native.llama_model_n_cls_out)
            shape = (width if context.pooling == "rank" else context.model.n_embd_out,)
            # always a copy: llama.cpp frees the vector with the next batch
            row = self._views.floats(pointer, shape, copy=True)
        return normalized(row) if normalize else row

    def _rows(self, read: object, width: int, index: int | None, copy: bool) -> Floats:
        row = self._context.rows.row(-1 if index is None else index)
        pointer = read(self._context.handle)  # type: ignore[operator]  # one of llama.cpp's functions
        if not pointer:
            raise StateError("llama.cpp has no such outputs for this model.")
        if index is None:
            return self._views.floats(pointer, (len(self._context.rows.indices), width), copy=copy)
        place = ctypes.cast(ctypes.byref(pointer.contents, row * width * 4), ctypes.POINTER(ctypes.c_float))
        return self._views.floats(place, (width,), copy=copy)

    def _check_embeddings(self) -> None:
        self._context.rows.row(-1)
        if not self._context.options.embeddings:
            raise StateError("This context gives logits, not embeddings.", fix="Make the context with embeddings=True.")
