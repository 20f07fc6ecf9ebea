"""The record that both readers fill."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

Bytes = bytes | mmap.mmap


@dataclass(frozen=True, kw_only=True)
class SharedLibrary:
    """What a shared library says about itself and the libraries that it needs."""

    name: str | None  # its soname, or the name in a DLL's export table
    needed: tuple[str, ...]
    machine: int  # the format's own number; only libraries with the same one fit together
    bits: int
    search: tuple[str, ...] = ()  # ELF: its run path, as written
    inherited: bool = False  # ELF: whether the run path also serves those that it needs (DT_RPATH)


def read_text(data: Bytes, offset: int, longest: int = 4096) -> str:
    """Read the text at `offset`, which ends with a zero byte."""
    piece = data[offset : offset + longest]
    end = piece.find(b"\0")
    if offset < 0 or end < 0:
        raise IndexError(f"no text at {offset}")
    return piece[:end].decode("utf-8", "surrogateescape")
