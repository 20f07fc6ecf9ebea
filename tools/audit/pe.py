"""Libraries of Windows."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

import lief

from tools.audit.library import Code, Library

MACHINES = {lief.PE.Header.MACHINE_TYPES.AMD64: "x86_64", lief.PE.Header.MACHINE_TYPES.ARM64: "arm64"}
POINTER = 8
START = 2**64 - 1
"""What mingw's list of constructors begins with."""
FLAGS = {
    lief.PE.OptionalHeader.DLL_CHARACTERISTICS.NX_COMPAT: "nx",
    lief.PE.OptionalHeader.DLL_CHARACTERISTICS.DYNAMIC_BASE: "moved when loaded",
    lief.PE.OptionalHeader.DLL_CHARACTERISTICS.HIGH_ENTROPY_VA: "moved far",
}


def read_pe(path: Path, binary: lief.PE.Binary) -> Library:
    """Return what the audit knows of a DLL."""
    export = binary.get_export()
    names = [str(entry.name) for entry in export.entries] if export else []
    return Library(
        path=path,
        system="windows",
        machine=MACHINES.get(binary.header.machine, str(binary.header.machine)),
        needed=tuple(_needed(binary)),
        soname=str(export.name) if export else "",
        exports=frozenset(names),
        imports=frozenset(str(entry.name) for library in binary.imports for entry in library.entries if entry.name),
        marks=frozenset(word for flag, word in FLAGS.items() if binary.optional_header.has(flag)),
        sections=frozenset(str(section.name) for section in binary.sections),
        minimum_os=f"{binary.optional_header.major_subsystem_version}.{binary.optional_header.minor_subsystem_version}",
        code=tuple(_code(binary)),
        functions=frozenset(binary.imagebase + function.address for function in binary.functions),
        entries=dict(_entries(binary)),
    )


def _needed(binary: lief.PE.Binary) -> Iterator[str]:
    yield from (str(library.name) for library in binary.imports)
    yield from (str(library.name) for library in binary.delay_imports)


def _code(binary: lief.PE.Binary) -> Iterator[Code]:
    for section in binary.sections:
        if section.has_characteristic(lief.PE.Section.CHARACTERISTICS.MEM_EXECUTE):
            yield Code(address=binary.imagebase + section.virtual_address, content=bytes(section.content))


def _entries(binary: lief.PE.Binary) -> Iterator[tuple[str, int]]:
    if binary.optional_header.addressof_entrypoint:
        yield "DllMain", binary.imagebase + binary.optional_header.addressof_entrypoint
    for number, address in enumerate(binary.tls.callbacks if binary.tls else (), start=1):
        yield f"its thread callback {number}", address
    for number, address in enumerate(_constructors(binary), start=1):
        yield f"its initialiser {number}", address
    export = binary.get_export()
    for entry in export.entries if export else ():
        if entry.name == "ggml_backend_score":
            yield "ggml_backend_score", binary.imagebase + entry.address


def _constructors(binary: lief.PE.Binary) -> Iterator[int]:
    """Yield the functions that mingw's runtime calls from DllMain: relocated pointers between -1 and 0."""
    moved = {block.virtual_address + entry.position for block in binary.relocations for entry in block.entries}
    code = tuple(_code(binary))
    for section in binary.sections:
        if section.has_characteristic(lief.PE.Section.CHARACTERISTICS.MEM_EXECUTE):
            continue
        content = bytes(section.content)
        words = struct.unpack_from(f"<{len(content) // POINTER}Q", content)
        for first, word in enumerate(words):
            if word == START:
                found = _until_the_end(words, first + 1, section.virtual_address, moved)
                yield from found if all(any(part.has(address) for part in code) for address in found) else ()


def _until_the_end(words: Sequence[int], first: int, start: int, moved: Set[int]) -> Sequence[int]:
    """Return the pointers from index `first` up to the next 0 if all are in `moved`, else an empty sequence."""
    last = first
    while last < len(words) and start + POINTER * last in moved:
        last += 1
    return words[first:last] if last < len(words) and words[last] == 0 else ()
