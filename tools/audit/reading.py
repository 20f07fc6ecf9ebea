"""Read a library of any system into a `Library`, with lief."""

from __future__ import annotations

from pathlib import Path

import lief

from tools.audit.elf import read_elf
from tools.audit.library import Library
from tools.audit.macho import read_macho
from tools.audit.pe import read_pe
from tools.errors import ToolError

SUFFIXES = (".so", ".dll", ".dylib")
PROGRAMS = ("llamapack-runner", "llamapack-runner.exe")
"""What the core has beside its libraries, and is held to the rules that apply to it."""


def read_library(path: Path) -> Library:
    """Return what the audit knows of the library at `path`; raises ToolError if it is not a library."""
    lief.logging.disable()
    found = lief.parse(str(path))
    if isinstance(found, lief.ELF.Binary):
        return read_elf(path, found)
    if isinstance(found, lief.PE.Binary):
        return read_pe(path, found)
    if isinstance(found, lief.MachO.Binary):
        return read_macho(path, found)
    raise ToolError(f"{path.name} is not a library that the audit can read.", fix="It reads ELF, PE and Mach-O.")
