"""The metadata of a loaded model: all keys of the GGUF file, except those of arrays, with their values as text."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from llamapack._native.library import native
from llamapack._native.owner import Owner

_Read = Callable[["ctypes.Array[ctypes.c_char]", int], int]


class ModelMetadata(Mapping[str, str]):
    """Entries are read from the model one at a time, in any order; for arrays and types, use `llamapack.gguf`."""

    def __init__(self, model: Owner[Any]) -> None:
        """Read from `model`; use `model.metadata` instead of calling this."""
        self._model = model

    def __getitem__(self, key: str) -> str:
        """Return the value of `key`, with numbers and bools as llama.cpp formats them."""
        name = _encode(key)
        with self._model.using() as handle:
            found = _read_text(lambda buffer, size: native().llama_model_meta_val_str(handle, name, buffer, size))
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        for index in range(len(self)):
            yield self._key(index)

    def __len__(self) -> int:
        """Return the number of entries."""
        with self._model.using() as handle:
            return native().llama_model_meta_count(handle)

    def __repr__(self) -> str:
        """Show the number of entries only: the values may be long."""
        return f"<ModelMetadata of {len(self)} entries>"

    def _key(self, index: int) -> str:
        with self._model.using() as handle:
            found = _read_text(lambda buffer, size: native().llama_model_meta_key_by_index(handle, index, buffer, size))
        return found or ""


def _encode(key: object) -> bytes:
    if not isinstance(key, str) or "\0" in key:
        raise KeyError(key)
    try:
        return key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair: no file has such a key
        raise KeyError(key) from None


def _read_text(read: _Read) -> str | None:
    """Call `read` with a buffer that is large enough; return None if it fails."""
    size = 256
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = read(buffer, size)
        if length < 0:
            return None
        if length < size:
            return buffer.raw[:length].decode("utf-8", "replace")
        size = length + 1
