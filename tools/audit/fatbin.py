"""The GPU architectures in NVIDIA's fat binaries, with the bytes of code for each.

NVIDIA's cuobjdump is available as a wheel, but lists no sizes and spells 120f as 120. The format is not documented;
this is what the compilers of CUDA 13.0 write: containers, each a header and entries; each entry a header with kind,
architecture and flags, and the compressed code.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tools.errors import ToolError

MAGIC = b"\x50\xed\x55\xba"
CONTAINER = struct.Struct("<4sHHQ")  # magic, version, size of this header, size of what follows
ENTRY = struct.Struct("<HHIQII HHIIIQ")  # kind, version, header, code, …, …, minor, major, architecture, …, …, flags
ALIGNMENT = 8
KINDS = {1: "ptx", 2: "real"}
SUFFIXES = {0x100000: "a", 0x200000: "f"}  # code for this architecture only, or for its family


def code_sizes(path: Path) -> dict[str, int]:
    """Return the bytes of code for each target in the library at `path`: `real:90` or `ptx:75`; empty if there is none.

    Raises ToolError for a fat binary that is truncated or of another version.
    """
    content = path.read_bytes()
    found: Counter[str] = Counter()
    for start, end in _containers(content, path.name):
        for target, size in _entries(content, start, end, path.name):
            found[target] += size
    return dict(found)


def _containers(content: bytes, name: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of the entries of each container."""
    place = content.find(MAGIC)
    while place >= 0:
        if place % ALIGNMENT or place + CONTAINER.size > len(content):
            place = content.find(MAGIC, place + 1)
            continue
        _, version, header, size = CONTAINER.unpack_from(content, place)
        start, end = place + header, place + header + size
        if version != 1 or header != CONTAINER.size or end > len(content):
            raise _unreadable(name, place)
        yield start, end
        place = content.find(MAGIC, end)


def _entries(content: bytes, start: int, end: int, name: str) -> Iterator[tuple[str, int]]:
    while start < end:
        if start + ENTRY.size > end:
            raise _unreadable(name, start)
        kind, _, header, size, *_, arch, _, _, flags = ENTRY.unpack_from(content, start)
        if kind not in KINDS or header < ENTRY.size or start + header + size > end:
            raise _unreadable(name, start)
        suffix = next((suffix for flag, suffix in SUFFIXES.items() if flags & flag), "")
        yield f"{KINDS[kind]}:{arch}{suffix}", header + size
        start += header + size


def _unreadable(name: str, place: int) -> ToolError:
    return ToolError(
        f"The GPU code in {name} cannot be read, at byte {place}.",
        fix="Did CUDA's compiler change its format? Compare tools/audit/fatbin.py with what cuobjdump says.",
    )
