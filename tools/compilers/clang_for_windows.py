"""Clang as zig carries it, called with all of its own options: for CUDA and HIP.

zig calls clang with the folders of the headers that it has for a target, and with what its C++ library is configured
by. It does so for C and C++ only, so both are said here, for 64-bit Windows. clang's own headers for GPUs, which zig
lacks, come with a package of the same version.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

TRIPLE = "x86_64-w64-windows-gnu"
WINDOWS = {"__MSVCRT_VERSION__": "0xE00", "_WIN32_WINNT": "0x0a00"}
"""UCRT instead of the old msvcrt.dll, and Windows 10."""
LIBCXX = {
    "_LIBCPP_ABI_VERSION": "1",
    "_LIBCPP_ABI_NAMESPACE": "__1",
    "_LIBCPP_HAS_THREADS": "1",
    "_LIBCPP_HAS_MONOTONIC_CLOCK": "1",
    "_LIBCPP_HAS_TERMINAL": "1",
    "_LIBCPP_HAS_MUSL_LIBC": "0",
    "_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS": "1",
    "_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS": "1",
    "_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS": "0",
    "_LIBCPP_HAS_FILESYSTEM": "1",
    "_LIBCPP_HAS_RANDOM_DEVICE": "1",
    "_LIBCPP_HAS_LOCALIZATION": "1",
    "_LIBCPP_HAS_UNICODE": "1",
    "_LIBCPP_HAS_WIDE_CHARACTERS": "1",
    "_LIBCPP_HAS_NO_STD_MODULES": "1",
    "_LIBCPP_PSTL_BACKEND_SERIAL": "1",
    "_LIBCPP_HARDENING_MODE": "_LIBCPP_HARDENING_MODE_NONE",
    "_LIBCPP_ASSERTION_SEMANTIC_DEFAULT": "_LIBCPP_ASSERTION_SEMANTIC_IGNORE",
}
"""What `zig c++ -target x86_64-windows-gnu` defines for its C++ library; a test compares them."""


def clang(zig: Path) -> list[str]:
    """Return the command that starts clang for C++ and 64-bit Windows, without the folders of any headers."""
    return [str(zig), "clang", "--driver-mode=g++", "-target", TRIPLE]


def headers(zig: Path, own: Path, given: Sequence[str] = ()) -> list[str]:
    """Return the options by which clang finds its own headers in the folder `own`, libc++, and the system's.

    Macros that the options `given` define already are left to them.
    """
    library = zig.parent / "lib"
    defined = {word[2:].partition("=")[0] for word in given if word.startswith("-D")}
    macros = {name: value for name, value in {**WINDOWS, **LIBCXX}.items() if name not in defined}
    folders = (
        own / "include" / "cuda_wrappers",
        library / "libcxx" / "include",
        library / "libcxxabi" / "include",
        own / "include",
        library / "libc" / "include" / "any-windows-any",
    )
    return [
        *("-resource-dir", str(own), "-nostdinc", "-nostdinc++", "-D_ALLOW_UNSUPPORTED_LIBCPP", "-D__CRT__NO_INLINE"),
        *(f"-D{name}={value}" for name, value in macros.items()),
        *(word for folder in folders for word in ("-isystem", str(folder))),
    ]
