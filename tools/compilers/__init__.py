"""Compilers, and the caches in front of them.

toolchain       The compilers of a build, as data.
toolchains      Find a C and C++ compiler that works here, or use zig from PyPI if there is none.
zig             Use zig from PyPI as a C and C++ compiler for every target of the matrix.
compiler_cache  Reuse compiled objects between builds and checkouts, with ccache.
shader_cache    Reuse compiled shaders between builds and checkouts: ccache does not support glslc.
clang_for_windows  Clang as zig carries it, called with all of its own options: for CUDA.
cuda_windows    A CUDA compiler for 64-bit Windows that runs on Linux: nvcc and clang.
"""

__all__ = ["clang_for_windows", "compiler_cache", "cuda_windows", "shader_cache", "toolchain", "toolchains", "zig"]
