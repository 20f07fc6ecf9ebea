"""Read the import tables of a PE file (a DLL): those that are bound when it is loaded, not the delayed ones.

Source: Microsoft's "PE Format", sections "Optional Header Data Directories", ".idata" and ".edata".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from llamapack.backends.host.binaries.library import Bytes, SharedLibrary, read_text

_EXPORTS, _IMPORTS = 0, 1
_DESCRIPTOR = struct.Struct("<5I")


def read_pe(data: Bytes) -> SharedLibrary:
    """Read the DLL in `data`; raises IndexError, struct.error or ValueError if it is damaged."""
    (start,) = struct.unpack_from("<I", data, 0x3C)
    if data[start : start + 4] != b"PE\0\0":
        raise ValueError("there is no PE header where the file says it is")
    machine, section_count, optional_size = struct.unpack_from("<HH12xH", data, start + 4)
    optional = start + 24
    (magic,) = struct.unpack_from("<H", data, optional)
    bits = {0x10B: 32, 0x20B: 64}.get(magic, 0)
    if not bits:
        raise ValueError(f"the optional header has the unknown magic {magic:#x}")
    sections = [
        struct.unpack_from("<8x4I", data, optional + optional_size + 40 * index) for index in range(section_count)
    ]
    return SharedLibrary(
        name=_export_name(data, _directory(data, optional, bits, _EXPORTS), sections),
        needed=tuple(_imports(data, _directory(data, optional, bits, _IMPORTS), sections)),
        machine=machine,
        bits=bits,
    )


def _directory(data: Bytes, optional: int, bits: int, index: int) -> int:
    """Return the address of a data directory, 0 if the file has none."""
    (count,) = struct.unpack_from("<I", data, optional + (108 if bits == 64 else 92))
    if index >= count:
        return 0
    (address,) = struct.unpack_from("<I", data, optional + (112 if bits == 64 else 96) + 8 * index)
    return int(address)


def _imports(data: Bytes, address: int, sections: list[tuple[int, ...]]) -> Iterator[str]:
    if not address:
        return
    at = _offset_of(address, sections)
    while any(descriptor := _DESCRIPTOR.unpack_from(data, at)):
        yield read_text(data, _offset_of(descriptor[3], sections))
        at += _DESCRIPTOR.size


def _export_name(data: Bytes, address: int, sections: list[tuple[int, ...]]) -> str | None:
    if not address:
        return None
    (name,) = struct.unpack_from("<I", data, _offset_of(address, sections) + 12)
    return read_text(data, _offset_of(name, sections))


def _offset_of(address: int, sections: list[tuple[int, ...]]) -> int:
    for virtual_size, virtual_address, raw_size, raw_offset in sections:
        if virtual_address <= address < virtual_address + max(virtual_size, raw_size):
            return address - virtual_address + raw_offset
    raise ValueError(f"no section of the PE file holds the address {address:#x}")
