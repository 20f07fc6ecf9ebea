"""Libraries of Linux."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lief

from tools.audit.canaries import has_canaries
from tools.audit.library import Code, Library

MACHINES = {lief.ELF.ARCH.X86_64: "x86_64", lief.ELF.ARCH.AARCH64: "aarch64"}
TAG = lief.ELF.DynamicEntry.TAG
SEGMENT = lief.ELF.Segment.TYPE
BIND_NOW, NOW = 0x8, 0x1
POINTER = 8
SCORE = "ggml_backend_score"
LIBCXX = b"libc++abi: "
"""What it says when it ends a process."""


def read_elf(path: Path, binary: lief.ELF.Binary) -> Library:
    """Return what the audit knows of an ELF library."""
    return Library(
        path=path,
        system="linux",
        machine=MACHINES.get(binary.header.machine_type, str(binary.header.machine_type)),
        needed=tuple(str(name) for name in binary.libraries),
        soname="".join(_texts(binary, TAG.SONAME)),
        run_paths=(*_texts(binary, TAG.RPATH), *_texts(binary, TAG.RUNPATH)),
        exports=frozenset(str(symbol.name) for symbol in binary.exported_symbols),
        imports=frozenset(str(symbol.name) for symbol in binary.imported_symbols),
        versions=frozenset(_versions(binary)),
        marks=frozenset(_marks(binary)),
        sections=frozenset(str(section.name) for section in binary.sections),
        code=tuple(_code(binary)),
        functions=frozenset(function.address for function in binary.functions),
        entries=dict(_entries(binary)),
    )


def _texts(binary: lief.ELF.Binary, tag: lief.ELF.DynamicEntry.TAG) -> Iterator[str]:
    for entry in binary.dynamic_entries:
        if entry.tag == tag and isinstance(entry, lief.ELF.DynamicSharedObject):
            yield str(entry.name)
        elif entry.tag == tag and isinstance(entry, lief.ELF.DynamicEntryRpath):
            yield from str(entry.rpath).split(":")
        elif entry.tag == tag and isinstance(entry, lief.ELF.DynamicEntryRunPath):
            yield from str(entry.runpath).split(":")


def _versions(binary: lief.ELF.Binary) -> Iterator[str]:
    for library in binary.symbols_version_requirement:
        yield from (str(version.name) for version in library.get_auxiliary_symbols())


def _marks(binary: lief.ELF.Binary) -> Iterator[str]:
    types = {segment.type: segment for segment in binary.segments}
    values = {entry.tag: int(entry.value) for entry in binary.dynamic_entries}
    stack = types.get(SEGMENT.GNU_STACK)
    if SEGMENT.GNU_RELRO in types:
        yield "relro"
    if values.get(TAG.FLAGS, 0) & BIND_NOW or values.get(TAG.FLAGS_1, 0) & NOW or TAG.BIND_NOW in values:
        yield "now"
    if stack is not None and not stack.has(lief.ELF.Segment.FLAGS.X):
        yield "nx"
    if binary.is_pie:
        yield "position-independent"
    if TAG.TEXTREL in values or values.get(TAG.FLAGS, 0) & 0x4:
        yield "text relocations"
    machine = MACHINES.get(binary.header.machine_type, "")
    if has_canaries(machine, _code(binary), _data(binary), _pointers(binary)):
        yield "canaries"
    if any(LIBCXX in bytes(section.content) for section in binary.sections if section.name == ".rodata"):
        yield "libc++ inside"


def _pointers(binary: lief.ELF.Binary) -> dict[int, int]:
    """Return the values that the loader writes, by address: LLVM's linker leaves zeros there in the file."""
    return {
        relocation.address: relocation.addend + (relocation.symbol.value if relocation.symbol else 0)
        for relocation in binary.relocations
    }


def _code(binary: lief.ELF.Binary) -> Iterator[Code]:
    for section in binary.sections:
        if section.has(lief.ELF.Section.FLAGS.EXECINSTR):
            yield Code(address=section.virtual_address, content=bytes(section.content))


def _data(binary: lief.ELF.Binary) -> Iterator[Code]:
    for section in binary.sections:
        if section.name in (".data", ".rodata", ".data.rel.ro"):
            yield Code(address=section.virtual_address, content=bytes(section.content))


def _entries(binary: lief.ELF.Binary) -> Iterator[tuple[str, int]]:
    pointers = _pointers(binary)
    for entry in binary.dynamic_entries:
        if entry.tag == TAG.INIT:
            yield "its initialiser", int(entry.value)
        elif entry.tag == TAG.INIT_ARRAY and isinstance(entry, lief.ELF.DynamicEntryArray):
            for number, there in enumerate(entry.array):
                yield f"its initialiser {number + 1}", pointers.get(int(entry.value) + POINTER * number, there)
    for symbol in binary.exported_symbols:
        if symbol.name == SCORE:
            yield SCORE, symbol.value
