"""Compilers, and the caches in front of them.

toolchain       The compilers of a build, as data.
toolchains      Find a C and C++ compiler that works here, or use zig from PyPI if there is none.
zig             Use zig from PyPI as a C and C++ compiler for every target of the matrix.
compiler_cache  Reuse compiled objects between builds and checkouts, with ccache.
shader_cache    Reuse compiled shaders between builds and checkouts: ccache does not support glslc.
clang_for_windows  Clang as zig carries it, called with all of its own options: for CUDA and HIP.
clang_headers   clang's own headers for GPUs, which zig lacks, from a package of the same version of clang.
cuda_windows    A CUDA compiler for 64-bit Windows that runs on Linux: nvcc and clang.
hip_windows     A HIP compiler for 64-bit Windows that runs on Linux: clang alone.
"""

__all__ = [
    "clang_for_windows",
    "clang_headers",
    "compiler_cache",
    "cuda_windows",
    "hip_windows",
    "shader_cache",
    "toolchain",
    "toolchains",
    "zig",
]
