"""The installed core and what it chooses for this process: the facts that every report begins with."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llamapack._native.library import library_dir, native, read_abi
from llamapack.backends.cpu import CpuChoice, CpuLevel, cpu_levels, explain_unsupported, load_cpu
from llamapack.backends.plugins.entry_points import core_version
from llamapack.threads import ThreadChoice, default_threads


@dataclass(frozen=True, kw_only=True)
class CoreFacts:
    """Versions, the folder of the libraries, the CPU level and the number of threads."""

    llamapack: str
    llama_cpp: str
    llama_commit: str
    abi_id: str
    python: str
    platform: str
    libraries: Path
    cpu: CpuChoice
    threads: ThreadChoice

    def to_data(self) -> dict[str, Any]:
        """Return the facts as data for JSON, with every CPU level and why it is used or not."""
        return {
            "llamapack": self.llamapack,
            "llama_cpp": self.llama_cpp,
            "llama_cpp_commit": self.llama_commit,
            "abi_id": self.abi_id,
            "python": self.python,
            "platform": self.platform,
            "libraries": str(self.libraries),
            "cpu": {
                "chosen": self.cpu.level.name,
                "reason": self.cpu.reason,
                "levels": [self._level(level) for level in cpu_levels()],
            },
            "threads": {"count": self.threads.count, "reason": self.threads.reason},
        }

    def _level(self, level: CpuLevel) -> dict[str, Any]:
        used = level is self.cpu.level
        if used:
            reason = self.cpu.reason
        else:
            reason = "runs here, with a lower score" if level.supported else explain_unsupported(level)
        return {"name": level.name, "score": level.score, "used": used, "reason": reason}


def core_facts(cpu: str | None = None) -> CoreFacts:
    """Gather the facts, for the CPU level `cpu` or the one that is chosen.

    Raises CpuLevelError if the level is unknown or unsupported, and InstallationError if the libraries are missing or
    damaged.
    """
    choice, abi = load_cpu(cpu), read_abi()
    return CoreFacts(
        llamapack=core_version(),
        llama_cpp=(native().llamapack_build_info() or b"").decode(),
        llama_commit=abi.llama_commit,
        abi_id=abi.abi_id,
        python=platform.python_version(),
        platform=platform.platform(),
        libraries=library_dir(),
        cpu=choice,
        threads=default_threads(),
    )
