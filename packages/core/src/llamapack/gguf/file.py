"""A GGUF file: metadata and tensors, without loading the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from llamapack.gguf.formats import SCALARS, ValueType
from llamapack.gguf.opening import opened
from llamapack.gguf.parser import Entry, Header, Tensor, parse

Scalar: TypeAlias = int | float | bool | str
Value: TypeAlias = "Scalar | Array"

_STEP = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Array:
    """An array in a file, such as a vocabulary: only its type and length are in memory.

    Iterating reads it from the file each time, part by part; `list(array)` reads all of it.
    """

    type: ValueType
    length: int
    path: Path = field(repr=False)
    at: int = field(repr=False)

    def __len__(self) -> int:
        """Return the number of elements."""
        return self.length

    def __iter__(self) -> Iterator[Scalar]:
        """Yield the elements; a string that is not UTF-8 keeps its bytes as surrogates (`surrogateescape`)."""
        if self.type is ValueType.STRING:
            return (raw.decode("utf-8", "surrogateescape") for raw in self.strings())
        return self._numbers()

    def strings(self) -> Iterator[bytes]:
        """Yield the bytes of each string."""
        at = self.at
        with opened(self.path) as window:
            for _ in range(self.length):
                raw = window.string(at, "a string", window.size)
                at += 8 + len(raw)
                yield raw

    def _numbers(self) -> Iterator[Scalar]:
        form = SCALARS[self.type]
        with opened(self.path) as window:
            for start in range(0, self.length, _STEP):
                size = min(_STEP, self.length - start) * form.size
                index = window.index(self.at + start * form.size, size, "an array")
                for (number,) in form.iter_unpack(window.buffer[index : index + size]):
                    yield number


class Metadata(Mapping[str, Value]):
    """The metadata of a file by key, in the file's order; arrays and long strings are read when they are asked for."""

    def __init__(self, path: Path, entries: Mapping[str, Entry]) -> None:
        """Show the `entries` of the file at `path`."""
        self._path = path
        self.entries = entries  # with the offset of each value

    def __getitem__(self, key: str) -> Value:
        """Return the value of `key`: a number, a bool, a text or an Array."""
        entry = self.entries[key]
        if entry.item is not None:
            return Array(type=entry.item, length=entry.count, path=self._path, at=entry.at)
        value = entry.value
        if value is None:
            with opened(self._path) as window:
                value = window.string(entry.at, f"the value of {key}", window.size)
        return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.entries)

    def type(self, key: str) -> ValueType:
        """Return the type of the value of `key`."""
        return self.entries[key].type

    def __repr__(self) -> str:
        """Show the number of entries only: the values may be long."""
        return f"<Metadata of {len(self)} entries>"


@dataclass(frozen=True, kw_only=True)
class Gguf:
    """The header of a GGUF model. A model in several files has the metadata of the first, and all tensors."""

    paths: tuple[Path, ...]
    version: int
    alignment: int
    metadata: Metadata
    tensors: Mapping[str, Tensor]
    file_size: int  # of all files together


def read_file(path: Path) -> tuple[Header, int]:
    """Parse one file; return its header and its size."""
    with opened(path) as window:
        return parse(window), window.size
