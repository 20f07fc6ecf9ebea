"""Put the code for several GPUs into one bundle, as the HIP runtime reads it.

clang has a program for that, which zig lacks. The format: https://clang.llvm.org/docs/ClangOffloadBundler.html;
tools/audit/offload.py reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
HOST = "host-x86_64-unknown-linux-gnu-"
"""The first entry, which is empty: clang calls it so for every system."""
PAGE = 4096
"""Code objects begin at multiples of it, because they are mapped."""


def bundle(code: Mapping[str, bytes]) -> bytes:
    """Return the bundle of code objects, by the name of the GPU: gfx1100."""
    entries = {HOST: b"", **{f"hipv4-amdgcn-amd-amdhsa--{gpu}": content for gpu, content in code.items()}}
    table, place = [MAGIC, struct.pack("<Q", len(entries))], PAGE
    body = bytearray()
    for name, content in entries.items():
        body += bytes(-len(body) % PAGE)
        table += [struct.pack("<QQQ", place + len(body), len(content), len(name)), name.encode("ascii")]
        body += content
    head = b"".join(table)
    if len(head) > place:
        raise ValueError(f"{len(code)} names do not fit into the first page of a bundle")
    return head + bytes(place - len(head)) + bytes(body)
