"""llama.cpp's own programs, whose results ours are compared with."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Upstream's programs, built from the same tree and linked with the same libraries."""

    folder: Path

    def run(self, library: Path, program: str, *arguments: str | Path) -> str:
        """Run `program` on the backend in `library`; return its output."""
        command = [self.folder / "llamapack-reference", library, program, *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode()
