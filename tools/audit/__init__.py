"""Look into finished libraries and wheels. Nothing is loaded or run, so any system's libraries can be audited.

reading   Read a library of any system into a `Library`, with lief.
library   What the audit knows of one library, whatever its format.
elf       Libraries of Linux.
pe        Libraries of Windows.
macho     Libraries of macOS.
code      Which instructions machine code holds, and what each asks of the processor: the part that all processors share
x86       Instructions of x86-64, which iced-x86 decodes and knows the needs of.
arm       Instructions of 64-bit Arm, decoded by LLVM's llvm-mc: it knows the needs of each, and no package of Python do
canaries  Canaries in machine code: zig may link the function that they call into a library, which then imports none.
fatbin    Which GPUs a library holds code for, and how many bytes of each: NVIDIA's fat binaries, read by ourselves.
offload   Which GPUs a library holds code for, and how many bytes of each: clang's offload bundles, read by ourselves.
judges    The judge of instructions for each processor.
rules     The rules for every library; a rule says what is wrong, and its `fix` what to do.
plugin    What is particular to the wheel of a plug-in: one library on top of the core's, and its description.
wheel     Audit a wheel: every library in it by the rules, and what concerns the whole.
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
