"""The GPU architectures in clang's offload bundles, with the bytes of code for each.

AMD's code is in the section .hip_fatbin: one bundle for each source file, with a table of its code objects, compressed
as a whole if the compiler was told so. The formats: https://clang.llvm.org/docs/ClangOffloadBundler.html.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from pathlib import Path

import lief
import zstandard

from tools.errors import ToolError

SECTION = ".hip_fatbin"
PE_NAME = 8
"""Names of sections are no longer than this in a DLL."""
PLAIN, PACKED = b"__CLANG_OFFLOAD_BUNDLE__", b"CCOB"
COUNT = struct.Struct("<Q")
ENTRY = struct.Struct("<QQQ")  # offset and size of the code object, length of its name
START = struct.Struct("<4sHH")  # magic, version, method: the same in all versions
REST = {1: struct.Struct("<IQ"), 2: struct.Struct("<IIQ"), 3: struct.Struct("<QQQ")}
"""By version: the size of the whole (from 2 on), the size when unpacked, a hash."""
ZLIB, ZSTD = 0, 1
AMDGPU = 224
"""The machine of the code objects, which are ELF files."""
_MACHINE = struct.Struct("<4s14xH")


def code_sizes(path: Path) -> dict[str, int]:
    """Return the bytes of code for each target in the library at `path`, as `gfx:gfx1100`; empty if there is none.

    Raises ToolError for bundles that are damaged or of an unknown version.
    """
    found = lief.parse(str(path))
    if not isinstance(found, (lief.ELF.Binary, lief.PE.Binary)):
        return {}
    name = SECTION if isinstance(found, lief.ELF.Binary) else SECTION[:PE_NAME]
    section = next((each for each in found.sections if str(each.name).startswith(name)), None)
    return sizes_in(bytes(section.content), path.name) if section else {}


def sizes_in(content: bytes, name: str) -> dict[str, int]:
    """Return the bytes of code for each target in `content`, which holds bundles with zeros between them."""
    sizes: Counter[str] = Counter()
    place = 0
    while place < len(content):
        if content.startswith(PACKED, place):
            bundle, length = _unpacked(content, place, name)
            entries = _entries(bundle, 0, name)
        elif content.startswith(PLAIN, place):
            entries = _entries(content, place, name)
            length = max((start + size for _, start, size in entries), default=place) - place
        elif content[place]:
            raise _unreadable(name, place, "no bundle begins there")
        else:
            place += 1
            continue
        for target, _, size in entries:
            sizes[target] += size
        place += max(length, len(PLAIN))
    return dict(sizes)


def _entries(content: bytes, bundle: int, name: str) -> list[tuple[str, int, int]]:
    """Return target, offset in `content`, and size of each code object of the bundle at offset `bundle`."""
    found = []
    try:
        if not content.startswith(PLAIN, bundle):
            raise _unreadable(name, bundle, "what was packed is no bundle")
        (count,) = COUNT.unpack_from(content, place := bundle + len(PLAIN))
        place += COUNT.size
        for _ in range(count):
            offset, size, length = ENTRY.unpack_from(content, place)
            place += ENTRY.size + length
            kind, _, target = content[place - length : place].decode("ascii").partition("--")
            start = bundle + offset
            if kind.startswith("host"):
                continue
            if start + size > len(content) or _MACHINE.unpack_from(content, start) != (b"\x7fELF", AMDGPU):
                raise _unreadable(name, start, f"there is no code object for {target or kind}")
            found.append((f"gfx:{target}", start, size))
    except (struct.error, UnicodeDecodeError) as error:
        raise _unreadable(name, bundle, "the bundle is cut off or damaged") from error
    return found


def _unpacked(content: bytes, place: int, name: str) -> tuple[bytes, int]:
    """Return the decompressed bundle at offset `place`, and the number of bytes that it occupies there."""
    try:
        _, version, method = START.unpack_from(content, place)
        if version not in REST or method not in (ZLIB, ZSTD):
            what = f"version {version} of packed bundles, or their method {method}, is not known"
            raise _unreadable(name, place, what)
        header = START.size + REST[version].size
        whole = REST[version].unpack_from(content, place + START.size)[0] if version > 1 else len(content) - place
        packed = content[place + header : place + whole]
        unpacker = zlib.decompressobj() if method == ZLIB else zstandard.ZstdDecompressor().decompressobj()
        bundle = unpacker.decompress(packed)
    except (struct.error, zlib.error, zstandard.ZstdError) as error:
        raise _unreadable(name, place, "the packed bundle is cut off or damaged") from error
    if not unpacker.eof:
        raise _unreadable(name, place, "the packed bundle is cut off")
    return bundle, header + len(packed) - len(unpacker.unused_data)


def _unreadable(name: str, place: int, why: str) -> ToolError:
    return ToolError(
        f"The GPU code in {name} cannot be read, at byte {place:,} of {SECTION}.",
        why=f"{why[0].upper()}{why[1:]}.",
        fix="Did the compiler change its format? Compare tools/audit/offload.py with the documentation that it names.",
    )
