"""A library to link with in place of another target's Vulkan loader, made from the names in the headers.

It has the functions of Vulkan 1.2, the oldest version that the plug-in runs with: one that calls a newer function
without asking for its address first does not link, and so never fails to load on a system with an older loader.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError
from tools.util.atomic_files import write_text
from tools.util.cmd import run
from tools.util.files import staged_folder

HEADER = Path("vulkan") / "vulkan_core.h"
NEWER = "#define VK_VERSION_1_3 1"
"""The line of the header after which functions are newer than Vulkan 1.2, or not of the core."""
SONAME, DLL = "libvulkan.so.1", "vulkan-1.dll"

_PROTOTYPE = re.compile(r"^VKAPI_ATTR \w+ VKAPI_CALL (vk\w+)\($", re.MULTILINE)


def functions(include: Path) -> tuple[str, ...]:
    """Return the names of the functions of Vulkan 1.2, in the order of the header in the folder `include`."""
    before, found, _ = (include / HEADER).read_text(encoding="utf-8").partition(NEWER)
    names = tuple(_PROTOTYPE.findall(before))
    if not (found and names):
        raise ToolError(
            f"{include / HEADER} does not list the functions of Vulkan 1.2 as it used to.",
            fix="Change tools/toolkits/vulkan/loader.py to read the new form of this header.",
        )
    return names


def loader(include: Path, compilers: Toolchain, folder: Path) -> Path:
    """Make the library that a plug-in for the target of `compilers` is linked with, in `folder`; return its path.

    `compilers` are zig's commands for that target. The library for Linux is empty but for the names, and the one for
    Windows is an import library: the real loader is found when the plug-in is loaded.
    """
    windows = compilers.target.startswith("windows")
    path = folder / ("libvulkan-1.a" if windows else "libvulkan.so")
    if not path.is_file():
        with staged_folder(folder) as staged:
            _make(functions(include), compilers, staged / path.name, windows=windows)
    return path


def _make(names: tuple[str, ...], compilers: Toolchain, path: Path, *, windows: bool) -> None:
    if windows:
        listed = path.with_suffix(".def")
        write_text(listed, f"LIBRARY {DLL}\nEXPORTS\n" + "".join(f"    {name}\n" for name in names))
        run([*shlex.split(compilers.defines["CMAKE_DLLTOOL"]), "-m", "i386:x86-64", "-d", listed, "-l", path])
        return
    source = path.with_suffix(".c")
    write_text(source, "".join(f"void {name}(void) {{}}\n" for name in names))
    run([*compilers.c, "-shared", "-fPIC", f"-Wl,-soname,{SONAME}", source, "-o", path])
