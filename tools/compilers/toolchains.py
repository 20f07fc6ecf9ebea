"""Find a C and C++ compiler that works here, or use zig from PyPI if there is none."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tools.compilers import zig
from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError
from tools.matrix import host_target, load_matrix
from tools.paths import BUILD
from tools.util import cmd, stamps
from tools.util.scratch import temporary_folder
from tools.util.venv import Environment, ensure_environment

PROBE = """\
#include <memory>
#include <string>
int main(int argc, char **argv) {
    auto text = std::make_unique<std::string>(argv[0]);
    if constexpr (sizeof(void *) >= 4) return text->empty() ? argc : 0;
}
"""
PAIRS = (("cc", "c++"), ("gcc", "g++"), ("clang", "clang++"))
PARTNERS = (("clang", "clang++"), ("gcc", "g++"), ("icx", "icpx"), ("cc", "c++"))
WORKING = BUILD / "compilers.json"
ZIG_SCRIPTS = BUILD / "zig"
COMPILER_VARIABLE = "LLAMAPACK_COMPILER"
FLAG_VARIABLES = ("CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CMAKE_ARGS", "CMAKE_GENERATOR")


def find_toolchain(variables: Mapping[str, str] = os.environ) -> Toolchain:
    """Return the first toolchain that builds a C++17 program: CC and CXX, then PATH, then zig.

    Raises ToolError, without trying others, if a compiler named in CC or CXX does not work, or zig that
    LLAMAPACK_COMPILER asks for.
    """
    flags = _flags(variables)
    if _wants_zig(variables):
        return zig_toolchain(host_target(), variables)
    if sys.platform == "win32" and not (variables.get("CC") or variables.get("CXX")):
        return Toolchain(description="CMake's choice", flags=flags)
    if variables.get("CC") or variables.get("CXX"):
        return _named(variables, flags)
    refused: list[str] = []
    for c, cxx in _pairs(variables):
        found = Toolchain(c=(c,), cxx=(cxx,), description=_version([cxx], variables), flags=flags)
        if not (problem := _problem(found, variables)):
            return found
        refused.append(f"{cxx} does not build a program: {problem.splitlines()[0]}")
    reason = "; ".join(refused) or "No C++ compiler was found on PATH"
    note = f"{reason}. Zig from PyPI is used instead; for a compiler of your own, put g++ or clang++ on PATH."
    return zig_toolchain(host_target(), variables, note=note)


def zig_toolchain(target: str, variables: Mapping[str, str] = os.environ, note: str = "") -> Toolchain:
    """Return zig from PyPI, which compiles for every target of the matrix and its oldest C library or system."""
    return Toolchain(
        description=f"zig {zig.version()} for {load_matrix().zig_target(target)}",
        needs=("zig",),
        flags=_flags(variables),
        note=note,
        target=target,
        zig_identity=zig.identity(target),
    )


def zig_commands(target: str) -> Toolchain:
    """Return zig for `target`, installed and ready to call."""
    return with_commands(zig_toolchain(target), ensure_environment(["build", "zig"]))


def _flags(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: variables[name] for name in FLAG_VARIABLES if variables.get(name)}


def _wants_zig(variables: Mapping[str, str]) -> bool:
    wanted = variables.get(COMPILER_VARIABLE, "")
    if wanted not in ("", "zig"):
        fix = "Set it to `zig`, or unset it; name another compiler in CC and CXX."
        raise ToolError(f"{COMPILER_VARIABLE} is {wanted!r}.", fix=fix)
    if wanted and (named := [name for name in ("CC", "CXX") if variables.get(name)]):
        fix = f"Unset {COMPILER_VARIABLE}, or {' and '.join(named)}."
        raise ToolError(f"{COMPILER_VARIABLE} asks for zig, and {' and '.join(named)} for another compiler.", fix=fix)
    return bool(wanted)


def _named(variables: Mapping[str, str], flags: Mapping[str, str]) -> Toolchain:
    c, cxx = (shlex.split(variables.get(name, "")) for name in ("CC", "CXX"))
    c = _resolved("CC", c or _partner("CXX", cxx, variables), variables)
    cxx = _resolved("CXX", cxx or _partner("CC", c, variables), variables)
    found = Toolchain(c=tuple(c), cxx=tuple(cxx), description=_version(cxx, variables), flags=flags)
    if problem := _problem(found, variables):
        raise ToolError(
            f"{shlex.join(cxx)} (from CC and CXX) does not build a C++17 program.",
            why=problem,
            fix="Fix that compiler, or unset CC and CXX: then another one is looked for.",
        )
    return found


def _resolved(name: str, command: list[str], variables: Mapping[str, str]) -> list[str]:
    """Return `command` with the absolute path of the program."""
    if program := shutil.which(command[0], path=variables.get("PATH")):
        return [program, *command[1:]]
    raise ToolError(
        f"{name} names {command[0]}, which was not found.",
        fix=f"Set {name} to a compiler on PATH, or unset it: then one is looked for.",
    )


def _partner(variable: str, command: list[str], variables: Mapping[str, str]) -> list[str]:
    """Return the compiler of the other language that belongs to the one in `variable`: g++-14 for gcc-14."""
    for c, cxx in PARTNERS:
        old, new = (c, cxx) if variable == "CC" else (cxx, c)
        for index, word in enumerate(command):
            folder, name = os.path.split(word)
            partner = os.path.join(folder, name.replace(old, new, 1))  # noqa: PTH118 - keeps a name without a folder
            if old in name and shutil.which(partner, path=variables.get("PATH")):
                return [*command[:index], partner, *command[index + 1 :]]
    other = "CXX" if variable == "CC" else "CC"
    raise ToolError(
        f"{variable} is {shlex.join(command)}, but {other} is not set and its partner was not found.",
        fix=f"Set {other} too.",
    )


def _pairs(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    # Without Xcode's tools, macOS has a cc that opens a window when it is called.
    if sys.platform == "darwin" and cmd.run(["xcode-select", "-p"], check=False).returncode != 0:
        return
    for pair in PAIRS:
        c, cxx = (shutil.which(name, path=variables.get("PATH")) for name in pair)
        if c and cxx:
            yield c, cxx


def _version(command: list[str], variables: Mapping[str, str]) -> str:
    said = cmd.run([*command, "--version"], env=variables, check=False)
    return (said.stdout or said.stderr).strip().partition("\n")[0]


def _problem(toolchain: Toolchain, variables: Mapping[str, str]) -> str:
    """Return why `toolchain` cannot build a small C++17 program; empty if it can. Success is remembered."""
    state = Path(toolchain.cxx[0]).stat()
    found = {shlex.join(toolchain.cxx): f"{state.st_size} bytes of {state.st_mtime_ns}: {toolchain.description}"}
    if found.items() <= stamps.read(WORKING).items():
        return ""
    if not (problem := _try(toolchain, variables)):
        stamps.write(WORKING, stamps.read(WORKING) | found)
    return problem


def _try(toolchain: Toolchain, variables: Mapping[str, str]) -> str:
    with temporary_folder("probe") as folder:
        source = folder / "probe.cpp"
        source.write_text(PROBE, encoding="utf-8")
        command = [*toolchain.cxx, "-std=c++17", str(source), "-o", str(folder / "probe")]
        done = cmd.run(command, cwd=folder, env=variables, check=False)
    return (done.stderr or done.stdout).strip() or f"status {done.returncode}" if done.returncode else ""


def with_commands(toolchain: Toolchain, environment: Environment, folder: Path = ZIG_SCRIPTS) -> Toolchain:
    """Return `toolchain` ready to call: for zig, scripts in `folder` that call the zig in `environment`."""
    if not toolchain.is_zig:
        return toolchain
    target = toolchain.target
    scripts = zig.write_scripts(folder / target, environment.packages / "ziglang" / "zig", target)
    defines = {"CMAKE_AR": str(scripts["ar"]), "CMAKE_RANLIB": str(scripts["ranlib"]), **zig.cmake_system(target)}
    if target.startswith("windows"):
        defines |= {"CMAKE_RC_COMPILER": str(scripts["rc"]), "CMAKE_DLLTOOL": str(scripts["dlltool"])}
    return replace(toolchain, c=(str(scripts["cc"]),), cxx=(str(scripts["c++"]),), defines=defines)
