"""clang's own headers for GPUs, which zig lacks, from a package of the same version of clang."""

from __future__ import annotations

import re
from pathlib import Path

from tools.errors import ToolError
from tools.util.cmd import run
from tools.util.venv import Environment

REQUIREMENT = "clang-headers"


def clang_headers(environment: Environment, zig: Path) -> Path:
    """Return the folder with clang's `include` among the packages of `environment`; they must be of zig's version."""
    version = clang_version(zig)
    if not (environment.packages / f"clang_tidy-{version}.dist-info").is_dir():
        raise ToolError(
            f"zig's clang is {version}, and requirements/{REQUIREMENT}.txt pins headers of another version.",
            fix=f"Pin clang-tidy=={version} in requirements/{REQUIREMENT}.in, and compile the list again.",
        )
    return environment.packages / "clang_tidy" / "data" / "lib" / "clang" / version.partition(".")[0]


def clang_version(zig: Path) -> str:
    """Return the version of zig's clang, such as 22.1.8."""
    found = re.search(r"clang version (\d+\.\d+\.\d+)", run([zig, "clang", "--version"]).stdout)
    if found is None:
        raise ToolError(f"{zig} clang does not tell its version.")
    return found[1]
