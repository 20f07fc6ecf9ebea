"""What a shared library is linked with, read from the file itself; nothing is loaded."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from llamapack.backends.host.binaries.elf import read_elf
from llamapack.backends.host.binaries.library import SharedLibrary
from llamapack.backends.host.binaries.pe import read_pe


def read_library(path: Path) -> SharedLibrary | None:
    """Read the ELF or PE file at `path`; None for another format, such as Apple's, which is not read here.

    Raises OSError if it cannot be opened, and ValueError if it is damaged.
    """
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise ValueError(f"{path} is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            readers = {b"\x7fELF": read_elf, b"MZ": read_pe}
            reader = next((reader for magic, reader in readers.items() if data[: len(magic)] == magic), None)
            try:
                return reader(data) if reader else None
            except (struct.error, IndexError, OverflowError) as error:
                raise ValueError(f"{path} is damaged: {error}") from error
