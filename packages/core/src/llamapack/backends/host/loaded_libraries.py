"""List the libraries that are loaded in this process. It needs the standard library only: the probe uses it as well."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def loaded_libraries() -> tuple[Path, ...]:
    """List the libraries that are loaded in this process; empty if the system does not tell."""
    if sys.platform == "win32":
        names: Iterable[str] = _windows_modules()
    elif sys.platform == "darwin":
        names = _apple_images()
    else:
        names = mapped_files(Path("/proc/self/maps"))
    return tuple(Path(name) for name in dict.fromkeys(names))


def mapped_files(maps: Path) -> Iterator[str]:
    """Return the files that are mapped as code, from the table `maps` as Linux writes it."""
    try:
        text = maps.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in text.splitlines():
        fields = line.split(None, 5)
        if len(fields) == 6 and "x" in fields[1] and fields[5].startswith("/"):
            yield fields[5].removesuffix(" (deleted)")


def _apple_images() -> Iterator[str]:
    system: Any = ctypes.CDLL(None)
    system._dyld_get_image_name.restype = ctypes.c_char_p
    for index in range(system._dyld_image_count()):
        yield os.fsdecode(system._dyld_get_image_name(index) or b"")


def _windows_modules() -> Iterator[str]:
    kernel: Any = getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009  # unknown to checkers elsewhere
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32EnumProcessModules.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
    kernel.GetModuleFileNameW.argtypes = (ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint32)
    modules, size = (ctypes.c_void_p * 4096)(), ctypes.c_uint32()
    process = kernel.GetCurrentProcess()
    if not kernel.K32EnumProcessModules(process, modules, ctypes.sizeof(modules), ctypes.byref(size)):
        return
    name = ctypes.create_unicode_buffer(32768)
    for module in modules[: size.value // ctypes.sizeof(ctypes.c_void_p)]:
        if kernel.GetModuleFileNameW(module, name, len(name)):
            yield name.value
