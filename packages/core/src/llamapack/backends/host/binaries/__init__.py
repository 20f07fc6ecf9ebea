"""What a shared library is linked with, read from the file itself; nothing is loaded.

reading  What a shared library is linked with, read from the file itself; nothing is loaded.
library  The record that both readers fill.
elf      Read the dynamic section of an ELF file, as the dynamic linker does: through the program headers.
pe       Read the import tables of a PE file (a DLL): those that are bound when it is loaded, not the delayed ones.
missing  Name the libraries that a library needs and that this system does not have, by walking the tables ourselves.
"""

from __future__ import annotations

from llamapack.backends.host.binaries.library import SharedLibrary
from llamapack.backends.host.binaries.reading import read_library

__all__ = ["SharedLibrary", "read_library"]
