"""Bundles have the form that the HIP runtime reads."""

from __future__ import annotations

import struct

import pytest

from tools.compilers.hip_windows.bundle import MAGIC, PAGE, bundle

OBJECT = b"\x7fELF" + bytes(14) + struct.pack("<H", 224)
"""The beginning of a code object."""


def entries(made: bytes) -> dict[str, bytes]:
    """Return the entries of a bundle, by name."""
    found, place = {}, len(MAGIC) + 8
    (count,) = struct.unpack_from("<Q", made, len(MAGIC))
    for _ in range(count):
        start, size, length = struct.unpack_from("<QQQ", made, place)
        place += 24 + length
        found[made[place - length : place].decode("ascii")] = made[start : start + size]
    return found


def test_a_bundle_has_the_code_of_every_gpu_behind_the_cpus_part_which_is_empty() -> None:
    code = {"gfx90a": OBJECT + bytes(5000), "gfx1100:xnack-": OBJECT + bytes(3)}
    assert list(entries(bundle(code)).items()) == [
        ("host-x86_64-unknown-linux-gnu-", b""),
        *((f"hipv4-amdgcn-amd-amdhsa--{gpu}", content) for gpu, content in code.items()),
    ]


def test_code_objects_can_be_mapped() -> None:
    made = bundle({"gfx90a": OBJECT + bytes(5000), "gfx1100": OBJECT})
    places = [place for place in range(len(made)) if made.startswith(OBJECT, place)]
    assert places == [PAGE, 3 * PAGE]


def test_more_names_than_a_page_holds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^100 names do not fit into the first page of a bundle$"):
        bundle({f"gfx{number}": OBJECT for number in range(100)})
