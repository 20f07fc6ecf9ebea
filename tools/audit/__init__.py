"""Inspect finished libraries and wheels. Nothing is loaded or run, so any system's libraries can be audited.

reading   Read a library of any system into a `Library`, with lief.
library   What the audit knows of one library, whatever its format.
elf       Libraries of Linux.
pe        Libraries of Windows.
macho     Libraries of macOS.
code      Find the CPU features that machine code needs: the part that all processors share.
x86       Instructions of x86-64, decoded by iced-x86.
arm       Instructions of 64-bit Arm, decoded by LLVM's llvm-mc.
canaries  Find stack canaries in machine code that zig linked with its own runtime.
fatbin    The GPU architectures in NVIDIA's fat binaries, with the bytes of code for each.
offload   The GPU architectures in clang's offload bundles, with the bytes of code for each.
judges    The judge of instructions for each processor.
rules     The rules for every library; each has a `fix`, which says what to do.
plugin    Audit what is specific to a plug-in's wheel: one library on top of the core's, and its description.
wheel     Audit a wheel: every library by the rules, and the wheel as a whole.
report    The report of an audit, for people.
"""

from __future__ import annotations

__all__ = [
    "arm",
    "canaries",
    "code",
    "elf",
    "fatbin",
    "judges",
    "library",
    "macho",
    "offload",
    "pe",
    "plugin",
    "reading",
    "report",
    "rules",
    "wheel",
    "x86",
]
