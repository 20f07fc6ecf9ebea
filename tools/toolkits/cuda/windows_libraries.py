"""Import libraries of CUDA's DLLs, made from the names that the DLLs in NVIDIA's wheels export.

The wheel of cuBLAS for Windows has no import library, and that of the CUDA runtime asks for Visual C++'s libraries.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from tools.errors import ToolError
from tools.paths import BUILD
from tools.util.atomic_files import write_text
from tools.util.cmd import Argument, run
from tools.util.scratch import temporary_folder
from tools.util.venv import ensure_environment

LINKED = ("cudart", "cublas")
"""What ggml is linked with. cuBLAS opens cublasLt by itself."""
READ_NAMES = """
import lief, sys
library = lief.parse(sys.argv[1])
export = library.get_export()
print(*(entry.name for entry in export.entries if entry.name))
"""


def make_import_libraries(house: Path, major: str, dlltool: Sequence[Argument], into: Path) -> None:
    """Write an import library for each of LINKED into the folder `into`, from the wheels in the folder `house`.

    `dlltool` is the command that makes them. Raises ToolError if a DLL is not in a wheel.
    """
    for name in LINKED:
        dll = f"{name}64_{major}.dll"
        with temporary_folder("dll") as scratch:
            exported = exported_names(_extracted(house, dll, scratch))
        listed = into / f"{name}.def"
        write_text(listed, definition(dll, exported))
        run([*dlltool, "-m", "i386:x86-64", "-d", listed, "-l", into / f"lib{name}.a"])


def definition(dll: str, names: Sequence[str]) -> str:
    """Return the module definition of a DLL that exports `names`."""
    return f"LIBRARY {dll}\nEXPORTS\n" + "".join(f"    {name}\n" for name in names)


def exported_names(dll: Path) -> tuple[str, ...]:
    """Return the names that a DLL exports, sorted; raises ToolError if there are none."""
    python = ensure_environment(["audit"], folder=BUILD / "audit").python
    if names := run([python, "-c", READ_NAMES, dll]).stdout.split():
        return tuple(sorted(names))
    raise ToolError(f"{dll.name} exports no names.", fix="Is it a DLL? Remove the folder with NVIDIA's wheels.")


def _extracted(house: Path, dll: str, into: Path) -> Path:
    for wheel in sorted(house.glob("nvidia_*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith(f"/{dll}"):
                    entry.filename = dll
                    return Path(archive.extract(entry, into))
    raise ToolError(f"{dll} is in none of the wheels in {house}.", fix="Has NVIDIA renamed it?")
