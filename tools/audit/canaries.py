"""Find stack canaries in machine code: zig may link their function into a library, which then does not import it.

Each C++ library that zig links contains zig's runtime, with that function and, on Arm, the value to compare with.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping

from tools.audit.library import Code

# mov, sub, xor or cmp of a register and the value that x86-64 keeps at fs:0x28
X86_64 = re.compile(rb"\x64[\x48\x4c][\x8b\x2b\x33\x3b].\x25\x28\x00\x00\x00", re.DOTALL)
GUARD = bytes((0, 0, 0, 0, 0, 0, 0x0A, 0xFF))
"""The value of zig's runtime, always the same."""
PAGE = 1 << 12
NEAR = 4
"""How many instructions after an address' first half its second half is looked for."""


def has_canaries(
    machine: str, code: Iterable[Code], data: Iterable[Code], pointers: Mapping[int, int] | None = None
) -> bool:
    """Return True if functions of a Linux library check a stack canary before they return.

    `pointers` maps the places to which the loader writes an address to these addresses.
    """
    if machine == "x86_64":
        return any(X86_64.search(part.content) for part in code)
    guards = {part.address + place for part in data for place in _places(part.content)}
    slots = {place for place, address in (pointers or {}).items() if address in guards}
    return any(_takes(part, guards, slots) for part in code) if guards else False


def _places(content: bytes) -> Iterator[int]:
    place = content.find(GUARD)
    while place >= 0:
        if place % 8 == 0:
            yield place
        place = content.find(GUARD, place + 1)


def _takes(part: Code, guards: set[int], slots: set[int]) -> bool:
    """Return True if Arm code computes the address of a guard, or loads it from a slot.

    ADRP computes the address of the page, and ADD or LDR adds the offset in it.
    """
    words = struct.unpack(f"<{len(part.content) // 4}I", part.content[: len(part.content) // 4 * 4])
    for index, first in enumerate(words):
        if first & 0x9F000000 != 0x90000000:
            continue
        pages = (first >> 5 & 0x7FFFF) << 2 | first >> 29 & 3
        pages -= (pages & 1 << 20) << 1
        page = (part.address + 4 * index & -PAGE) + pages * PAGE
        for second in words[index + 1 : index + 1 + NEAR]:
            if second >> 5 & 31 == first & 31:
                kind, place = second & 0xFFC00000, second >> 10 & 0xFFF
                if kind == 0x91000000 and page + place in guards:
                    return True
                if kind == 0xF9400000 and page + 8 * place in slots:
                    return True
    return False
