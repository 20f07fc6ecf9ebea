"""Canaries in machine code: zig may link the function that they call into a library, which then imports none.

Each C++ library of zig has zig's runtime inside, and with it that function and, on Arm, the value to compare with.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tools.audit.library import Code

# mov, sub, xor or cmp of a register and the value that x86-64 keeps at fs:0x28
X86_64 = re.compile(rb"\x64[\x48\x4c][\x8b\x2b\x33\x3b].\x25\x28\x00\x00\x00", re.DOTALL)
GUARD = bytes((0, 0, 0, 0, 0, 0, 0x0A, 0xFF))
"""The value of zig's runtime, always the same."""
PAGE = 1 << 12


def has_canaries(machine: str, code: Iterable[Code], data: Iterable[Code]) -> bool:
    """Tell whether functions of a Linux library compare a value on the stack with the one it has to be."""
    if machine == "x86_64":
        return any(X86_64.search(part.content) for part in code)
    guards = {part.address + place for part in data for place in _places(part.content)}
    return any(_takes(part, guards) for part in code) if guards else False


def _places(content: bytes) -> Iterator[int]:
    place = content.find(GUARD)
    while place >= 0:
        if place % 8 == 0:
            yield place
        place = content.find(GUARD, place + 1)


def _takes(part: Code, guards: set[int]) -> bool:
    """Tell whether Arm's code makes the address of one of `guards`: ADRP for its page, then ADD for its place."""
    words = struct.unpack(f"<{len(part.content) // 4}I", part.content[: len(part.content) // 4 * 4])
    for index, (first, second) in enumerate(pairwise(words)):
        if first & 0x9F000000 == 0x90000000 and second & 0xFFC00000 == 0x91000000 and second >> 5 & 31 == first & 31:
            pages = (first >> 5 & 0x7FFFF) << 2 | first >> 29 & 3
            pages -= (pages & 1 << 20) << 1
            if (part.address + 4 * index & -PAGE) + pages * PAGE + (second >> 10 & 0xFFF) in guards:
                return True
    return False
