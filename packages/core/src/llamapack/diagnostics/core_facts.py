"""What this installation is and what it does with the processor: the facts that every report begins with."""

from __future__ import annotations

import platform
from typing import Any

from llamapack._native.library import library_dir, native, read_abi
from llamapack.backends.cpu import CpuLevel, cpu_levels, explain_unsupported, load_cpu
from llamapack.backends.plugins.compatibility import core_version
from llamapack.threads import default_threads


def core_facts(cpu: str | None = None) -> dict[str, Any]:
    """Gather the facts; raises CpuLevelError where the level `cpu` is unknown or unsupported.

    Raises InstallationError where the libraries are missing or damaged.
    """
    choice, threads = load_cpu(cpu), default_threads()

    def reason(level: CpuLevel) -> str:
        if level is choice.level:
            return choice.reason
        return "runs here, with a lower score" if level.supported else explain_unsupported(level)

    return {
        "llamapack": core_version(),
        "llama_cpp": (native().llamapack_build_info() or b"").decode(),
        "llama_cpp_commit": read_abi().llama_commit,
        "abi_id": read_abi().abi_id,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": str(library_dir()),
        "cpu": {
            "chosen": choice.level.name,
            "reason": choice.reason,
            "levels": [
                {"name": level.name, "score": level.score, "used": level is choice.level, "reason": reason(level)}
                for level in cpu_levels()
            ],
        },
        "threads": {"count": threads.count, "reason": threads.reason},
    }
