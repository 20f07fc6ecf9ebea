"""What a library or an object for macOS takes from others: each symbol, and the library that it is of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import lief

ORDINAL = 8
"""From this bit on, a symbol's description says which of the needed libraries it is of, counted from 1."""
WEAK_REFERENCE = 0x40
EXTERNAL, TYPE = 0x1, 0xE
"""Bits of a symbol's type: an undefined one has no other bit of TYPE than none."""
VERSIONS = re.compile(r"(?<=.)([.-](\d+|[0-9a-f]{8}|[AB]))+$")


@dataclass(frozen=True, kw_only=True)
class Import:
    """Where a symbol is looked for."""

    library: str
    """The library's name without folder, version and ABI id: Metal, libSystem, libggml-base."""
    weak: bool
    """True if the library is loaded without it, too."""


def parse(path: Path) -> lief.MachO.Binary:
    """Return the only binary in the file; lief frees its parts with it, so keep it while you use them."""
    parsed = lief.MachO.parse(str(path))
    binary = parsed.at(0) if parsed else None
    assert binary is not None, path
    return binary


def imports(path: Path) -> dict[str, Import]:
    """Return what the library needs, by the symbol's name in the file, with the underscore before it."""
    binary = parse(path)
    own = lief.MachO.LoadCommand.TYPE.ID_DYLIB
    needed = [short_name(str(command.name)) for command in binary.libraries if command.command != own]
    return {
        str(symbol.name): Import(
            library=needed[(symbol.description >> ORDINAL & 0xFF) - 1], weak=bool(symbol.description & WEAK_REFERENCE)
        )
        for symbol in binary.imported_symbols
    }


def undefined(path: Path) -> set[str]:
    """Return what the object file leaves to the linker."""
    binary = parse(path)
    return {str(symbol.name) for symbol in binary.symbols if symbol.raw_type & (TYPE | EXTERNAL) == EXTERNAL}


def short_name(library: str) -> str:
    """Return the name of a library without folder, ending, versions and ABI id."""
    return VERSIONS.sub("", PurePosixPath(library).name.removesuffix(".dylib"))
