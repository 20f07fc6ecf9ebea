"""Write minimal ELF and PE files with the parts that the readers use."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def elf(
    needed: Sequence[str] = (),
    soname: str | None = None,
    runpath: str | None = None,
    rpath: str | None = None,
    *,
    bits: int = 64,
    order: str = "<",
    machine: int = 62,
) -> bytes:
    """Make a shared library with only a dynamic section; its addresses differ from its file offsets."""
    texts, entries = b"\0", []
    for tag, values in ((1, needed), (14, [soname]), (29, [runpath]), (15, [rpath])):
        for value in values:
            if value is not None:
                entries.append((tag, len(texts)))
                texts += value.encode() + b"\0"
    wide = bits == 64
    header, program = (64, 56) if wide else (52, 32)
    entry = struct.Struct(order + ("qQ" if wide else "iI"))
    base, dynamic = 0x10000, header + 2 * program
    strings = dynamic + entry.size * (len(entries) + 2)
    total = strings + len(texts)
    dynamic_bytes = b"".join(entry.pack(*pair) for pair in [*entries, (5, base + strings), (0, 0)])
    if wide:
        ident = struct.pack(order + "HHIQQQIHHHHHH", 3, machine, 1, 0, header, 0, 0, header, program, 2, 0, 0, 0)
        segments = [
            struct.pack(order + "IIQQQQQQ", kind, 4, at, base + at, base + at, size, size, 8)
            for kind, at, size in ((1, 0, total), (2, dynamic, len(dynamic_bytes)))
        ]
    else:
        ident = struct.pack(order + "HHIIIIIHHHHHH", 3, machine, 1, 0, header, 0, 0, header, program, 2, 0, 0, 0)
        segments = [
            struct.pack(order + "IIIIIIII", kind, at, base + at, base + at, size, size, 4, 8)
            for kind, at, size in ((1, 0, total), (2, dynamic, len(dynamic_bytes)))
        ]
    magic = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    return magic + ident + b"".join(segments) + dynamic_bytes + texts


def pe(needed: Sequence[str] = (), name: str | None = None, *, bits: int = 64, machine: int = 0x8664) -> bytes:
    """Make a DLL with one section that holds its import and export tables."""
    address, raw = 0x1000, 0x200
    body = bytearray(20 * (len(needed) + 1) + 40)
    exports = 20 * (len(needed) + 1)
    for index, text in enumerate(needed):
        struct.pack_into("<I", body, 20 * index + 12, address + len(body))
        body += text.encode() + b"\0"
    if name is not None:
        struct.pack_into("<I", body, exports + 12, address + len(body))
        body += name.encode() + b"\0"
    optional = bytearray(112 + 16 * 8 if bits == 64 else 96 + 16 * 8)
    struct.pack_into("<H", optional, 0, 0x20B if bits == 64 else 0x10B)
    count = 108 if bits == 64 else 92
    struct.pack_into("<I", optional, count, 16)
    struct.pack_into("<I", optional, count + 4, address + exports if name is not None else 0)
    struct.pack_into("<I", optional, count + 12, address if needed else 0)
    section = struct.pack("<8s6I2HI", b".rdata", len(body), address, len(body), raw, 0, 0, 0, 0, 0)
    coff = struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 0x2022)
    dos = b"MZ" + bytes(0x3A) + struct.pack("<I", 0x40)
    head = dos + b"PE\0\0" + coff + bytes(optional) + section
    return head + bytes(raw - len(head)) + bytes(body)
