"""The compilers that nvcc calls for the part that runs on the CPU: gcc or clang, for this machine or another target."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.compilers.toolchain import Toolchain
from tools.compilers.toolchains import find_toolchain
from tools.compilers.zig import cmake_system
from tools.errors import UnavailableError
from tools.matrix import host_target
from tools.platforms import apt
from tools.util.cmd import run

GCC = range(11, 16)
"""The versions of gcc that nvcc of CUDA 13.0 accepts, and that know C++17 well enough for ggml."""
CROSS = {"linux-aarch64": "aarch64-linux-gnu", "linux-x86_64": "x86_64-linux-gnu"}
"""What compilers for another target begin with, in Debian."""


def host_compilers(target: str, variables: Mapping[str, str] = os.environ) -> Toolchain:
    """Return the compilers for `target`, which is this machine's or another Linux one.

    Raises UnavailableError if there is none that nvcc can call.
    """
    if target != host_target():
        return cross_compilers(target, variables)
    found = find_toolchain(variables)
    if found.is_zig:
        raise UnavailableError(
            "CUDA's compiler works with gcc or clang, and none was found.", fix=f"Install g++ {GCC[0]} to {GCC[-1]}."
        )
    return found


def cross_compilers(target: str, variables: Mapping[str, str] = os.environ) -> Toolchain:
    """Return Debian's gcc for another Linux `target`; it is installed if it is missing and this process may."""
    prefix = CROSS[target]
    package = f"g++-{prefix.replace('_', '-')}"
    if found := _found(target, variables):
        return found
    purpose = f"CUDA for {target}"
    if apt.is_here():
        older = f"g++-{GCC[-1]}-{prefix.replace('_', '-')}"  # where the usual one is too new
        for name in (package, older):
            apt.require([name], purpose=purpose)
            if found := _found(target, variables):
                return found
    raise UnavailableError(
        f"{purpose} is compiled with g++ for that processor, and {prefix}-g++ {GCC[0]} to {GCC[-1]} was not found.",
        fix=f"Install Debian's or Ubuntu's {package}, or build on {target} itself.",
    )


def _found(target: str, variables: Mapping[str, str]) -> Toolchain | None:
    for ending in ("", *(f"-{version}" for version in reversed(GCC))):
        names = (f"{CROSS[target]}-{name}{ending}" for name in ("gcc", "g++"))
        c, cxx = (shutil.which(name, path=variables.get("PATH")) for name in names)
        if c and cxx and _version(Path(cxx)) in GCC:
            said = run([cxx, "--version"]).stdout.partition("\n")[0]
            return Toolchain(c=(c,), cxx=(cxx,), description=said, defines=cmake_system(target))
    return None


def _version(compiler: Path) -> int:
    return int(run([compiler, "-dumpversion"]).stdout.partition(".")[0])
