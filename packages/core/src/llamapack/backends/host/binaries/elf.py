"""Read the dynamic section of an ELF file, as the dynamic linker does: through the program headers.

Source: System V ABI, chapters "Object Files" and "Program Loading and Dynamic Linking".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from llamapack.backends.host.binaries.library import Bytes, SharedLibrary, read_text

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _SONAME, _RPATH, _RUNPATH = 1, 5, 14, 15, 29


@dataclass(frozen=True, kw_only=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


def read_elf(data: Bytes) -> SharedLibrary:
    """Read the library in `data`; raises IndexError, struct.error or ValueError if it is damaged."""
    bits, order = {1: 32, 2: 64}.get(data[4], 0), {1: "<", 2: ">"}.get(data[5], "")
    if not bits or not order:
        raise ValueError("the header of the ELF file is damaged")
    segments = list(_segments(data, bits, order))
    entries = list(_entries(data, segments, bits, order))
    texts = next((_offset_of(value, segments) for tag, value in entries if tag == _STRTAB), 0)

    def named(wanted: int) -> tuple[str, ...]:
        return tuple(read_text(data, texts + value) for tag, value in entries if tag == wanted)

    run_path = named(_RUNPATH) or named(_RPATH)
    return SharedLibrary(
        name=next(iter(named(_SONAME)), None),
        needed=named(_NEEDED),
        machine=struct.unpack_from(order + "H", data, 18)[0],
        bits=bits,
        search=tuple(folder for text in run_path for folder in text.split(":") if folder),
        inherited=bool(named(_RPATH)) and not named(_RUNPATH),
    )


def _segments(data: Bytes, bits: int, order: str) -> Iterator[_Segment]:
    where, sizes = (32, 54) if bits == 64 else (28, 42)
    (start,) = struct.unpack_from(order + ("Q" if bits == 64 else "I"), data, where)
    size, count = struct.unpack_from(order + "HH", data, sizes)
    for index in range(count):
        at = start + index * size
        if bits == 64:
            kind, _, offset, address, _, length = struct.unpack_from(order + "IIQQQQ", data, at)
        else:
            kind, offset, address, _, length = struct.unpack_from(order + "IIIII", data, at)
        yield _Segment(kind=kind, offset=offset, address=address, size=length)


def _entries(data: Bytes, segments: list[_Segment], bits: int, order: str) -> Iterator[tuple[int, int]]:
    entry = struct.Struct(order + ("qQ" if bits == 64 else "iI"))
    for segment in segments:
        if segment.kind == _DYNAMIC:
            for at in range(segment.offset, segment.offset + segment.size, entry.size):
                tag, value = entry.unpack_from(data, at)
                if tag == 0:
                    return
                yield tag, value


def _offset_of(address: int, segments: list[_Segment]) -> int:
    for segment in segments:
        if segment.kind == _LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise ValueError(f"no segment of the ELF file holds the address {address:#x}")
