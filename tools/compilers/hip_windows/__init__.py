"""A HIP compiler for 64-bit Windows that runs on Linux: zig's clang, for each GPU and for the CPU's part.

AMD's compiler for Windows needs Visual C++. CMake calls `python -m tools.compilers.hip_windows SETTINGS WORDS…` as if
it were clang, for sources with `-x hip`.

settings   Where the programs and headers are.
arguments  Sort the words of a call: for the CPU's part alone, for both parts, and the GPUs.
compiling  Compile a HIP source: the code for each GPU, the bundle of them, and the CPU's part around it.
bundle     Put the code for several GPUs into one bundle, as the HIP runtime reads it.
include    A header of ours that is read before every source.
"""

__all__ = ["arguments", "bundle", "compiling", "settings"]
