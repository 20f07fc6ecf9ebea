"""A model's vocabulary: text to tokens and back, exact to the byte."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack.errors import InputError

if TYPE_CHECKING:
    from llamapack.model import Model

_PIECE_BYTES = 64


class Vocab:
    """The vocabulary of a model; it keeps the model alive and fails like it once that is closed."""

    def __init__(self, model: Model) -> None:
        """Look into `model`; use `model.vocab` instead of calling this."""
        self._model = model
        self._native = native()
        self._pointer = self._native.llama_model_get_vocab(model._handle)
        self._textless = self._native.llama_vocab_type(self._pointer) == api.llama_vocab_type.NONE
        self._buffer = ctypes.create_string_buffer(_PIECE_BYTES)

    @property
    def _handle(self) -> api.llama_vocab_p:
        self._model._handle  # noqa: B018 - raises ClosedError
        return self._pointer

    def __len__(self) -> int:
        """Return the number of tokens."""
        return self._native.llama_vocab_n_tokens(self._handle)

    def tokenize(self, text: str | bytes, *, add_special: bool = True, parse_special: bool = False) -> list[int]:
        """Split `text` into token ids.

        `add_special` adds what the model wants around a text (such as a beginning-of-sequence token); `parse_special`
        reads `<|im_start|>` and the like as control tokens: leave it off for text that is not yours.
        """
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
        if len(data) >= 2**31:
            raise InputError(f"The text has {len(data)} bytes; at most {2**31 - 1} can be tokenized at once.")
        capacity = len(data) + 8
        while True:
            tokens = (ctypes.c_int32 * capacity)()
            count, message = ctypes.c_int32(), api.char_p()
            status = self._native.llamapack_tokenize(
                *(self._handle, data, len(data), tokens, capacity, add_special, parse_special),
                *(ctypes.byref(count), ctypes.byref(message)),
            )
            why = take_text(message)
            if status != api.llamapack_status.OK or count.value == -(2**31):
                raise InputError(
                    f"The text of {len(data)} bytes cannot be tokenized.",
                    why=why or "It gives more tokens than an int32 counts.",
                )
            if count.value >= 0:
                return tokens[: count.value]
            capacity = -count.value

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of one token, perhaps a part of a character; `special` shows control tokens too."""
        self._require_text()
        buffer = self._buffer
        size = self._native.llama_token_to_piece(self._handle, self._checked(token), buffer, len(buffer), 0, special)
        if size >= 0:
            return buffer.raw[:size]
        longer = ctypes.create_string_buffer(-size)
        size = self._native.llama_token_to_piece(self._handle, token, longer, len(longer), 0, special)
        return longer.raw[:size]

    def detokenize(self, tokens: Iterable[int], *, remove_special: bool = False, special: bool = True) -> bytes:
        """Return the bytes of `tokens`; `remove_special` drops what `add_special` added, `special` shows the rest."""
        self._require_text()
        ids: Sequence[int] = [self._checked(token) for token in tokens]
        array = (ctypes.c_int32 * len(ids))(*ids)
        capacity = 8 * len(ids) + 8
        while True:
            buffer = ctypes.create_string_buffer(capacity)
            size = self._native.llama_detokenize(
                self._handle, array, len(ids), buffer, capacity, remove_special, special
            )
            if size >= 0:
                return buffer.raw[:size]
            capacity = -size

    def is_end(self, token: int) -> bool:
        """Return True for tokens that end a generation, such as end of sequence and end of turn."""
        return bool(self._native.llama_vocab_is_eog(self._handle, self._checked(token)))

    @property
    def bos(self) -> int | None:
        """The beginning-of-sequence token, if there is one."""
        return _or_none(self._native.llama_vocab_bos(self._handle))

    @property
    def eos(self) -> int | None:
        """The end-of-sequence token, if there is one."""
        return _or_none(self._native.llama_vocab_eos(self._handle))

    @property
    def eot(self) -> int | None:
        """The end-of-turn token, if there is one."""
        return _or_none(self._native.llama_vocab_eot(self._handle))

    def _require_text(self) -> None:
        if self._textless:
            raise InputError("The model has no vocabulary.", why="Its tokens are numbers without text.")

    def _checked(self, token: int) -> int:
        if not 0 <= token < len(self):
            raise InputError(f"There is no token {token}: the vocabulary has {len(self)} tokens, from 0.")
        return token


def _or_none(token: int) -> int | None:
    return token if token >= 0 else None
