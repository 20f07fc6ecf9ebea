"""The names in AMD's DLLs for Windows, and import libraries and stand-ins made from them.

The DLLs come with AMD's installer for Windows only. Their functions are those that the headers declare. A stand-in is a
DLL of the same name whose functions all fail as on a machine without a GPU, so that the plug-in can be loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.util.atomic_files import write_text
from tools.util.cmd import Argument, run


@dataclass(frozen=True, kw_only=True)
class Dll:
    """A DLL of AMD's: the pattern of its name, the header that has its functions, and a pattern for them."""

    name: str
    header: str
    functions: re.Pattern[str]


DLLS = {
    "amdhip64": Dll(
        name="amdhip64_{major}.dll",
        header="hip/amd_detail/hip_api_trace.hpp",
        functions=re.compile(r"\(\*t_((?:__)?hip\w+)\)"),
    ),
    # AMD's installers of version 7.1 call it libhipblas.dll, and those before and after hipblas.dll.
    "hipblas": Dll(name="hipblas.dll", header="hipblas/hipblas.h", functions=re.compile(r"\b(hipblas\w+)\s*\(")),
    "rocblas": Dll(
        name="rocblas.dll",
        header="rocblas/internal/rocblas-auxiliary.h",
        functions=re.compile(r"\b(rocblas_\w+)\s*\("),
    ),
}
"""The DLLs that ggml is linked with, by the names of their libraries."""
NO_DEVICE = 100
"""hipErrorNoDevice."""
TEXTS = frozenset({"hipGetErrorString", "hipGetErrorName"})
"""What returns a text; all others return a status, or nothing that is looked at."""
TEXT = "a HIP without devices"


def exported_names(include: Path, major: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the file of each DLL in DLLS and the names that it exports, by the name of its library.

    Raises ToolError if a header has none.
    """
    found = {}
    for library, dll in DLLS.items():
        names = sorted(set(dll.functions.findall((include / dll.header).read_text(encoding="utf-8"))))
        if not names:
            raise ToolError(
                f"{dll.header} has no names of {dll.name}.", fix="Change DLLS in tools/toolkits/rocm/windows_names.py."
            )
        found[library] = (dll.name.format(major=major), tuple(names))
    return found


def make_import_libraries(
    exported: Mapping[str, tuple[str, Sequence[str]]], dlltool: Sequence[Argument], into: Path
) -> None:
    """Write an import library for each of what `exported_names` returns into the folder `into`, with `dlltool`."""
    into.mkdir(parents=True, exist_ok=True)
    for library, (dll, names) in exported.items():
        listed = into / f"{library}.def"
        write_text(listed, f"LIBRARY {dll}\n{_exports(names)}")
        run([*dlltool, "-m", "i386:x86-64", "-d", listed, "-l", into / f"lib{library}.a"])


def make_stand_ins(exported: Mapping[str, tuple[str, Sequence[str]]], cc: Sequence[Argument], folder: Path) -> None:
    """Write a stand-in for each of what `exported_names` returns to `bin` in `folder`, where HIP_PATH's DLLs are.

    `cc` is a C compiler for Windows.
    """
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for library, (dll, names) in exported.items():
        source, listed = folder / f"{library}.c", folder / f"{library}.def"
        write_text(source, "".join(map(_failing, names)))
        write_text(listed, _exports(names))
        run([*cc, "-shared", "-s", "-w", "-O1", source, listed, "-o", folder / "bin" / dll])


def _exports(names: Sequence[str]) -> str:
    return "EXPORTS\n" + "".join(f"    {name}\n" for name in names)


def _failing(name: str) -> str:
    if name in TEXTS:
        return f'const char * {name}(void) {{ return "{TEXT}"; }}\n'
    return f"long long {name}(void) {{ return {NO_DEVICE}; }}\n"
