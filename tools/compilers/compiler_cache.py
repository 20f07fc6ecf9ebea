"""Reuse compiled objects between builds and checkouts, with ccache."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError
from tools.paths import ROOT
from tools.util.venv import Environment, ensure_environment

log = logging.getLogger(f"llamapack.{__name__}")

LAUNCHERS = ("CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER")


@dataclass(frozen=True, kw_only=True)
class CompilerCache:
    """A compiler launcher with its environment variables. An empty launcher means no cache."""

    launcher: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def defines(self, languages: Sequence[str] = ()) -> dict[str, str]:
        """Return the CMake variables that enable it, for C, C++ and other `languages`, such as CUDA.

        Without a cache they are empty, which overrides values from an earlier build in CMake's cache.
        """
        names = (*LAUNCHERS, *(f"CMAKE_{language}_COMPILER_LAUNCHER" for language in languages))
        return {name: self.launcher or os.environ.get(name, "") for name in names}


def compiler_cache(toolchain: Toolchain, environment: Environment, *, portable: bool = False) -> CompilerCache:
    """Return the compiler cache to build with.

    The order: CMAKE_CXX_COMPILER_LAUNCHER (empty for none), ccache on PATH, ccache from PyPI. If that cannot be
    installed, the build goes on without a cache. `portable` skips ccache on PATH, for compilers that run in a container
    or root folder, where programs of this machine are not available.
    """
    if any(name in os.environ for name in LAUNCHERS) or _is_cached_already(toolchain):
        return CompilerCache()
    if ccache := _on_path(portable) or _install(environment):
        return CompilerCache(launcher=ccache, variables=_variables(toolchain))
    return CompilerCache()


def _is_cached_already(toolchain: Toolchain) -> bool:
    """Return True if the compiler command is itself a cache, as in /usr/lib/ccache."""
    found = shutil.which(toolchain.cxx[0]) if toolchain.cxx else None
    return bool(found) and Path(str(found)).resolve().stem in {"ccache", "sccache"}


def _on_path(portable: bool) -> str:
    return "" if portable else shutil.which("ccache") or ""


def _variables(toolchain: Toolchain) -> dict[str, str]:
    variables = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    if toolchain.is_zig:
        mark = f"string:{toolchain.description}, {toolchain.zig_identity}"
        variables |= {"CCACHE_COMPILERCHECK": mark, "CCACHE_COMPILERTYPE": "clang"}
    return {name: value for name, value in variables.items() if name not in os.environ}


def _install(environment: Environment) -> str:
    try:
        ensure_environment(["ccache"], folder=environment.folder)
    except ToolError as error:
        log.warning(f"{error.what} The build goes on without a compiler cache.")
        return ""
    return str(environment.program("ccache"))
