"""Canaries are seen in machine code, where no imported function tells of them."""

from __future__ import annotations

import struct

import pytest

from tools.audit.canaries import GUARD, has_canaries
from tools.audit.library import Code

DATA = Code(address=0x53000, content=bytes(16) + GUARD)
NOP = 0xD503201F
AT = 0x21FFC  # the last place of a page


def arm(*words: int) -> Code:
    return Code(address=AT - 4, content=struct.pack(f"<{len(words) + 1}I", NOP, *words))


# adrp x8, 0x53000 seen from page 0x21000: 0x32 pages on, of which the two lowest bits stand apart
ADRP = 0x90000000 | (0x32 & 3) << 29 | (0x32 >> 2) << 5 | 8
ADD = 0x91000000 | 0x10 << 10 | 8 << 5 | 8


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((ADRP, ADD), True),
        ((ADRP, NOP, NOP, NOP, ADD), True),
        ((ADRP, NOP, NOP, NOP, NOP, ADD), False),
        ((ADRP + (1 << 5), ADD), False),
        ((ADRP, ADD + (8 << 10)), False),
        ((ADRP, ADD + (1 << 5)), False),
        ((NOP, NOP), False),
    ],
)
def test_on_arm_code_makes_the_address_of_the_guard(words: tuple[int, ...], found: bool) -> None:
    assert has_canaries("aarch64", [arm(*words)], [DATA]) is found


LDR = 0xF9400000 | 0x18 // 8 << 10 | 8 << 5 | 8


@pytest.mark.parametrize(("address", "found"), [(0x53010, True), (0x53018, False)])
def test_on_arm_code_loads_the_address_of_the_guard_from_where_the_loader_writes_it(address: int, found: bool) -> None:
    assert has_canaries("aarch64", [arm(ADRP, LDR)], [DATA], {0x53018: address}) is found


def test_a_guard_behind_the_code_is_found_too() -> None:
    back = 0x90000000 | (-2 & 3) << 29 | (-2 >> 2 & 0x7FFFF) << 5 | 8
    assert has_canaries("aarch64", [arm(back, ADD)], [Code(address=0x1F000, content=DATA.content)])


def test_without_a_guard_there_are_none_on_arm() -> None:
    assert not has_canaries("aarch64", [arm(ADRP, ADD)], [Code(address=0x53000, content=bytes(24))])


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("64488b042528000000", True),  # mov rax, fs:0x28
        ("644c8b3c2528000000", True),  # mov r15, fs:0x28
        ("64482b042528000000", True),  # sub rax, fs:0x28
        ("64488b042500000000", False),  # mov rax, fs:0
        ("488b042528000000", False),
    ],
)
def test_on_x86_64_code_reads_the_guard(code: str, found: bool) -> None:
    assert has_canaries("x86_64", [Code(address=0, content=bytes.fromhex("90" + code))], []) is found
