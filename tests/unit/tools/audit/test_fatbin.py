"""The GPU code in a library is found, sized, and refused where it cannot be read.

The headers are as nvcc 13.0 writes them, checked once with cuobjdump over a library of all these targets.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tools.audit.fatbin import code_sizes
from tools.errors import ToolError

PTX, REAL = 1, 2
PLAIN, ARCH, FAMILY = 0x8011, 0x108011, 0x208011


def entry(kind: int, arch: int, flags: int, size: int = 256) -> bytes:
    """Return an entry with `size` bytes of code."""
    header = 80 if kind == PTX else 64
    fields = (kind, 0x0101, header, size, size - 5, 72 if kind == PTX else 0, 0, 9, arch, 0, 0, flags)
    return struct.pack("<HHIQIIHHIIIQ", *fields).ljust(header, b"\0") + b"\xab" * size


def container(*entries: bytes) -> bytes:
    body = b"".join(entries)
    return struct.pack("<4sHHQ", b"\x50\xed\x55\xba", 1, 16, len(body)) + body


def library(folder: Path, content: bytes) -> Path:
    path = folder / "libggml-cuda.so"
    path.write_bytes(content)
    return path


def test_each_target_is_found_with_its_bytes(tmp_path: Path) -> None:
    first = container(entry(PTX, 75, PLAIN, 248), entry(REAL, 90, PLAIN, 888), entry(PTX, 90, PLAIN))
    second = container(entry(REAL, 90, PLAIN, 1000), entry(REAL, 90, ARCH), entry(REAL, 120, FAMILY, 1200))
    content = b"\x7fELF code".ljust(64, b"\0") + first + b"\0" * 8 + second + b"\0" * 24
    assert code_sizes(library(tmp_path, content)) == {
        "ptx:75": 80 + 248,
        "real:90": 64 + 888 + 64 + 1000,
        "ptx:90": 80 + 256,
        "real:90a": 64 + 256,
        "real:120f": 64 + 1200,
    }


def test_a_library_without_gpu_code_has_none(tmp_path: Path) -> None:
    assert code_sizes(library(tmp_path, b"\x7fELF" * 100)) == {}


def test_the_mark_at_an_odd_place_is_no_code(tmp_path: Path) -> None:
    assert code_sizes(library(tmp_path, b"abc" + container(entry(REAL, 90, PLAIN)))) == {}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param(container(entry(REAL, 90, PLAIN))[:-8], 0, id="cut-off"),
        pytest.param(container(entry(REAL, 90, PLAIN)).replace(b"\xba\x01", b"\xba\x02", 1), 0, id="another-version"),
        pytest.param(container(entry(7, 90, PLAIN)), 16, id="unknown-kind"),
        pytest.param(container(entry(REAL, 90, PLAIN), b"rest"), 16 + 64 + 256, id="no-entry"),
        pytest.param(container(entry(REAL, 90, PLAIN)[:-8]), 16, id="entry-beyond-its-container"),
    ],
)
def test_code_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes, place: int) -> None:
    with pytest.raises(ToolError) as caught:
        code_sizes(library(tmp_path, content))
    assert caught.value.what == f"The GPU code in libggml-cuda.so cannot be read, at byte {place}."
