"""Where the programs and headers are."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Paths of programs, headers and libraries."""

    zig: str
    clang_headers: str
    """The folder with clang's `include`, of zig's version of clang."""
    include: str
    """HIP's headers."""
    device_libraries: str
    """AMD's libraries for GPUs, as LLVM's bitcode."""
    programs: str
    """The folder with a linker called lld."""
    launcher: str = ""
    """A compiler cache, for the code of each GPU; empty for none."""

    def write(self, path: Path) -> None:
        """Write the settings to `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_settings(path: Path) -> Settings:
    """Return the settings in the file `path`, seen from the current folder.

    A build's folder is at the same place in every checkout, so a compiler cache sees the same paths there.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Settings(**{name: os.path.relpath(value) if value else "" for name, value in stored.items()})
