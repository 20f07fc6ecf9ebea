"""Importance matrices: how much each column of a weight matrix matters, as llama.cpp's `llama-imatrix` measures it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llamapack import gguf
from llamapack.errors import InputError, ModelFormatError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Weights = NDArray[np.float32]

_SUMS, _COUNTS = ".in_sum2", ".counts"
_FIX = "Make it again with llama-imatrix."


@dataclass(frozen=True, kw_only=True)
class Imatrix:
    """Mean squared activations for each column of a tensor, by the tensor's name."""

    path: Path
    entries: Mapping[str, Weights]


def read_imatrix(path: Path) -> Imatrix:
    """Read an importance matrix: GGUF, or the older format that usually ends in `.dat`.

    Raises ModelNotFoundError if the file does not exist, and InputError if it is not an importance matrix.
    """
    try:
        found = gguf.read(path)
    except ModelFormatError as error:
        with path.open("rb") as file:
            if file.read(4) == b"GGUF":
                raise InputError(f"The importance matrix {path} cannot be read.", why=error.why, fix=_FIX) from None
        entries = dict(_legacy_entries(path))
    else:
        entries = dict(_gguf_entries(path, found))
    if not entries:
        raise _bad(path, "It has no entries.")
    return Imatrix(path=path, entries=entries)


def _gguf_entries(path: Path, found: gguf.Gguf) -> Iterator[tuple[str, Weights]]:
    import numpy as np

    for name, tensor in found.tensors.items():
        if not name.endswith(_SUMS):
            continue
        key = name.removesuffix(_SUMS)
        counts = found.tensors.get(key + _COUNTS)
        if counts is None or {tensor.type.name, counts.type.name} != {"F32"}:
            raise _bad(path, f"Sums and counts of {key} do not belong together.")
        sums = _floats(path, tensor).reshape(counts.n_elements, -1) if _divides(counts, tensor) else None
        if sums is None:
            raise _bad(path, f"There are {counts.n_elements} counts for the {tensor.n_elements} sums of {key}.")
        number = np.rint(_floats(path, counts))[:, None]
        # for an expert that was never used, all columns have the same weight
        yield key, np.divide(sums, number, out=np.ones_like(sums), where=number > 0).ravel()


def _divides(counts: gguf.Tensor, sums: gguf.Tensor) -> bool:
    return counts.n_elements > 0 and sums.n_elements % counts.n_elements == 0


def _floats(path: Path, tensor: gguf.Tensor) -> Weights:
    import numpy as np

    return np.fromfile(path, "<f4", tensor.n_elements, offset=tensor.offset)


def _legacy_entries(path: Path) -> Iterator[tuple[str, Weights]]:
    """Read `n`, then n times: length and name, number of calls, number of values, values."""
    import numpy as np

    data = path.read_bytes()
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        if not 0 <= size <= len(data) - at:
            raise _bad(path, f"It needs {size} bytes at byte {at}, but ends after {len(data)}.")
        at += size
        return data[at - size : at]

    def number() -> int:
        return int(struct.unpack("<i", take(4))[0])

    for _ in range(number()):
        name = take(number()).decode("utf-8", "surrogateescape")
        calls, count = number(), number()
        if count < 1:
            raise _bad(path, f"The entry {name!r} has {count} values.")
        values = np.frombuffer(take(4 * count), "<f4")
        yield name, (values / calls if calls > 0 else values).astype(np.float32)


def _bad(path: Path, why: str) -> InputError:
    return InputError(f"The file {path} is not an importance matrix.", why=why, fix=_FIX)
