"""Compilers, and the caches in front of them.

toolchain       The compilers of a build, as data.
toolchains      Find a C and C++ compiler that works here, or use zig from PyPI if there is none.
zig             Use zig from PyPI as a C and C++ compiler for every target of the matrix.
compiler_cache  Reuse compiled objects between builds and checkouts, with ccache.
shader_cache    Reuse compiled shaders between builds and checkouts: ccache does not support glslc.
"""

__all__ = ["compiler_cache", "shader_cache", "toolchain", "toolchains", "zig"]
