"""AMD's GPU code is found in a library, in bundles as clang 21 writes them for an empty kernel, packed and plain."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
import zstandard

from tests.support.libraries import foreign_libraries
from tests.support.libraries.small_libraries import SHOWN, build
from tools.audit.offload import code_sizes, sizes_in
from tools.errors import ToolError
from tools.paths import ROOT

# Made with: clang++ -x hip -nogpuinc -nogpulib -O2 --offload-arch=gfx1100 --offload-arch=gfx90a:xnack-
#   --cuda-device-only --gpu-bundle-output --offload-compress, and COMPRESSED_BUNDLE_FORMAT_VERSION in the environment
FOLDER = ROOT / "tests" / "support" / "offload_bundles"
RECORDED = {version: (FOLDER / f"packed-{version}.bundle").read_bytes() for version in (2, 3)}
PLAIN = zstandard.ZstdDecompressor().decompressobj().decompress(RECORDED[2][24:])
SIZES = {"gfx:gfx1100": 3976, "gfx:gfx90a:xnack-": 4552}


def packed(version: int, method: int, content: bytes = PLAIN) -> bytes:
    """Return a packed bundle of a version and method that clang 21 no longer writes."""
    data = zlib.compress(content) if method == 0 else zstandard.ZstdCompressor().compress(content)
    rest = {1: "<IQ", 2: "<IIQ"}[version]
    sizes = (len(content),) if version == 1 else (8 + struct.calcsize(rest) + len(data), len(content))
    return b"CCOB" + struct.pack("<HH", version, method) + struct.pack(rest, *sizes, 0) + data


def doubled(sizes: dict[str, int]) -> dict[str, int]:
    return {target: 2 * size for target, size in sizes.items()}


@pytest.mark.parametrize(
    "content",
    [PLAIN, RECORDED[2], RECORDED[3], packed(1, 1), packed(1, 0), packed(2, 0)],
    ids=["plain", "packed 2", "packed 3", "packed 1", "packed 1 with zlib", "packed 2 with zlib"],
)
def test_targets_and_sizes_are_read(content: bytes) -> None:
    assert sizes_in(content, "library") == SIZES
    after = bytes(-len(content) % 4096)
    assert sizes_in(content + after + PLAIN + bytes(100), "library") == doubled(SIZES)


def test_no_code_is_no_target() -> None:
    assert sizes_in(b"", "library") == {}
    assert sizes_in(bytes(8192), "library") == {}


@pytest.mark.parametrize(
    ("content", "place", "why"),
    [
        (b"\1", 0, "No bundle begins there."),
        (bytes(4096) + b"ELF", "4,096", "No bundle begins there."),
        (PLAIN[:30], 0, "The bundle is cut off or damaged."),
        (PLAIN[:9000], "8,192", "There is no code object for gfx90a:xnack-."),
        (PLAIN.replace(b"\x7fELF", b"\x7fELV"), "4,096", "There is no code object for gfx1100."),
        (RECORDED[2][:10], 0, "The packed bundle is cut off or damaged."),
        (RECORDED[2][:700], 0, "The packed bundle is cut off."),
        (RECORDED[3][:40] + b"no zstd" + RECORDED[3][47:], 0, "The packed bundle is cut off or damaged."),
        (packed(2, 1, b"something else"), 0, "What was packed is no bundle."),
        (b"CCOB\4\0\1\0" + RECORDED[3][8:], 0, "Version 4 of packed bundles, or their method 1, is not known."),
        (b"CCOB\2\0\7\0" + RECORDED[2][8:], 0, "Version 2 of packed bundles, or their method 7, is not known."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_said_with_its_place(content: bytes, place: object, why: str) -> None:
    with pytest.raises(ToolError) as caught:
        sizes_in(content, "libggml-rocm.so")
    assert caught.value.what == (f"The GPU code in libggml-rocm.so cannot be read, at byte {place} of .hip_fatbin.")
    assert caught.value.why == why


def bundles(tmp_path: Path) -> Path:
    """Write two bundles, with zeros between them as a linker leaves them."""
    file = tmp_path / "bundle"
    file.write_bytes(RECORDED[2] + bytes(-len(RECORDED[2]) % 4096) + PLAIN)
    return file


def test_code_is_looked_for_in_its_section(tmp_path: Path) -> None:
    section = f'__asm__(".section .hip_fatbin,\\"a\\"\\n.balign 4096\\n.incbin \\"{bundles(tmp_path)}\\"\\n.text\\n");'
    library = build(tmp_path, "libgpu.so", f"{SHOWN}{section}\nSHOWN int gpu(void) {{ return 1; }}")
    assert code_sizes(library.path) == doubled(SIZES)
    assert code_sizes(build(tmp_path, "libcpu.so", f"{SHOWN}SHOWN int cpu(void) {{ return 1; }}").path) == {}


def test_code_in_a_dll_is_found_though_the_name_of_its_section_is_cut(tmp_path: Path) -> None:
    section = f'__asm__(".section .hip_fatbin,\\"dr\\"\\n.balign 4096\\n.incbin \\"{bundles(tmp_path)}\\"\\n.text\\n");'
    library = foreign_libraries.build(
        foreign_libraries.WINDOWS, tmp_path, "gpu.dll", f"{SHOWN}{section}\nSHOWN int gpu(void) {{ return 1; }}"
    )
    assert ".hip_fat" in library.sections
    assert code_sizes(library.path) == doubled(SIZES)
