"""A CUDA compiler for 64-bit Windows that runs on Linux: nvcc's device code, joined with clang's host part.

NVIDIA's compiler for Windows needs Visual C++. Its device code does not depend on the system, though, and clang
compiles the rest. CMake calls `python -m tools.compilers.cuda_windows SETTINGS WORDS…` as if it were clang.

arguments    Read how CMake calls clang as a CUDA compiler, and sort the words: for nvcc, for clang, for the linker.
names        Compare the names that nvcc for Linux and clang for Windows give to the same kernels and variables.
ptx          Read from nvcc's PTX which kernels and variables the device code of a source has.
device_code  Compile the device code of a source with nvcc, once: it is kept by the preprocessed source.
host_part    Read and change the host's part of a CUDA source, as clang's LLVM IR.
joining      Join the device code that nvcc made of a source with the host's part that clang made of it.
compiling    Compile a CUDA source for Windows in three steps, or preprocess it, or link.
include      Headers of ours, which are found before NVIDIA's.
"""

__all__ = ["arguments", "compiling", "device_code", "host_part", "joining", "names", "ptx"]
