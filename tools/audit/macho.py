"""Libraries of macOS."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import lief

from tools.audit.library import Code, Library

MACHINES = {lief.MachO.Header.CPU_TYPE.X86_64: "x86_64", lief.MachO.Header.CPU_TYPE.ARM64: "arm64"}
EXECUTABLE = 0x80000000  # S_ATTR_PURE_INSTRUCTIONS
OF_THE_LINKER = frozenset(("_mh_dylib_header", "_mh_bundle_header", "__dso_handle"))
"""What zig's linker shows of each library beside its own symbols."""
OF_EVERY_LIBRARY = re.compile(r"_Z(nw|na|dl|da)(m|Pv)\w*|_ZT[IS]P*F[a-z]+E")
"""operator new and delete, and what std::function says of functions of built-in types."""
ZIG = 5
"""How zig's linker signs what it links; lief has no name for it."""
TOOL = struct.Struct("<24xI")
"""The first tool in the load command that names the system, after six numbers."""
WEAK = 0x80  # N_WEAK_DEF


def read_macho(path: Path, binary: lief.MachO.Binary) -> Library:
    """Return what the audit knows of a dylib or bundle; symbols lose the underscore that macOS puts before them."""
    names = [
        str(command.name) for command in binary.libraries if command.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB
    ]
    own = [str(command.name) for command in binary.libraries if command.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    return Library(
        path=path,
        system="macos",
        machine=MACHINES.get(binary.header.cpu_type, str(binary.header.cpu_type)),
        needed=tuple(names),
        soname="".join(own),
        run_paths=tuple(str(command.path) for command in binary.rpaths),
        exports=frozenset(_plain(symbol) for symbol in binary.symbols if symbol.has_export_info) - OF_THE_LINKER,
        apart=frozenset(_apart(binary)),
        imports=frozenset(map(_plain, binary.imported_symbols)),
        marks=frozenset(_marks(binary)),
        sections=frozenset(str(section.name) for section in binary.sections),
        minimum_os=_minimum(binary),
        code=tuple(_code(binary)),
        functions=frozenset(function.address for function in binary.functions),
        entries=dict(_entries(binary)),
    )


def _apart(binary: lief.MachO.Binary) -> Iterator[str]:
    """Yield symbols that a library linked by zig may export although they are not in the list of exports.

    zig's linker supports no such list. With two-level names, other libraries never use a symbol that is not weak. A
    weak one is the same in every C++ library, and the loader uses one of them. Apple's linker hides what the list does
    not have.
    """
    if _is_of_zig(binary) and "two-level names" in _marks(binary):
        for symbol in binary.symbols:
            if OF_EVERY_LIBRARY.fullmatch(name := _plain(symbol)) or not symbol.description & WEAK:
                yield name


def _is_of_zig(binary: lief.MachO.Binary) -> bool:
    build = binary.build_version
    return build is not None and bool(build.tools) and TOOL.unpack_from(bytes(build.data))[0] == ZIG


def _plain(symbol: lief.MachO.Symbol) -> str:
    return str(symbol.name).removeprefix("_")


def _marks(binary: lief.MachO.Binary) -> Iterator[str]:
    if binary.has_code_signature:
        yield "signed"
    if lief.MachO.Header.FLAGS.TWOLEVEL in binary.header.flags_list:
        yield "two-level names"


def _minimum(binary: lief.MachO.Binary) -> str:
    if (build := binary.build_version) is not None:
        return ".".join(str(part) for part in build.minos)
    if (version := binary.version_min) is not None:
        return ".".join(str(part) for part in version.version)
    return ""


def _code(binary: lief.MachO.Binary) -> Iterator[Code]:
    """Yield the code without the data in it: jump tables, which the linker lists."""
    entries = binary.data_in_code.entries if binary.data_in_code else ()
    tables = sorted((binary.imagebase + entry.offset, entry.length) for entry in entries)
    for section in binary.sections:
        if int(section.raw_flags if hasattr(section, "raw_flags") else section.flags) & EXECUTABLE:
            yield from _without(Code(address=section.virtual_address, content=bytes(section.content)), tables)


def _without(code: Code, tables: Sequence[tuple[int, int]]) -> Iterator[Code]:
    address, end = code.address, code.address + len(code.content)
    for start, length in (*((start, length) for start, length in tables if code.has(start)), (end, 0)):
        if start > address:
            yield Code(address=address, content=code.content[address - code.address : start - code.address])
        address = start + length


def _entries(binary: lief.MachO.Binary) -> Iterator[tuple[str, int]]:
    for symbol in binary.exported_symbols:
        if symbol.name == "_ggml_backend_score":
            yield "ggml_backend_score", symbol.value
    for number, function in enumerate(binary.ctor_functions, start=1):
        yield f"its initialiser {number}", function.address
