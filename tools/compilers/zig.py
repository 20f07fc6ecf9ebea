"""Use zig from PyPI as a C and C++ compiler for every target of the matrix, by scripts named like compilers."""

from __future__ import annotations

import hashlib
import os
import shlex
from pathlib import Path

from tools.matrix import host_target, load_matrix
from tools.util.atomic_files import write_text

# CMake's names of the systems and processors of the matrix.
SYSTEMS = {"linux": "Linux", "windows": "Windows", "macos": "Darwin"}
# CMake requires Apple's install_name_tool, but our libraries are linked with the right install names already.
WITHOUT_APPLE = {"CMAKE_INSTALL_NAME_TOOL": "true", "CMAKE_OSX_SYSROOT": ""}
PROCESSORS = {"windows-x86_64": "AMD64", "windows-arm64": "ARM64"}

# zig treats -O3 as -O2, unless it is passed on to clang: without -O3, kernels of older x86 levels are 20 % slower.
OPTIMIZE = r"""asked=no compiled=no
for word; do
    case "$word" in -O3) asked=yes ;; -c) compiled=yes ;; esac
done
[ $asked$compiled = yesyes ] && set -- "$@" -Xclang -O3"""

# zig accepts only its own names of processors, so those of ggml's build are translated. Armv9 includes SVE2, which
# zig cannot remove again, and not every level uses it: Armv9.2 without SVE2 is Armv8.7.
TRANSLATE = r"""for word; do
    shift
    case "$word" in -march=armv*) word=$(echo "$word" | sed -E \
        -e '/\+sve2/!s/armv9\.2-a/armv8.7-a/' \
        -e 's/^-march=armv([0-9]+)\.([0-9])-a/-mcpu=generic+v\1_\2a/; s/^-march=armv([0-9]+)-a/-mcpu=generic+v\1a/' \
        -e 's/\+fp16/+fullfp16/; s/\+no([a-z0-9]+)/-\1/g') ;;
    esac
    set -- "$@" "$word"
done"""


def version() -> str:
    """Return the version of zig in the matrix; requirements/zig.txt pins the same."""
    return load_matrix().toolchains["zig"].version


def identity(target: str) -> str:
    """Return an id that changes with zig's version and with the scripts for `target`."""
    script = "\n".join([*_before_the_call(name := load_matrix().zig_target(target)), _options(name)])
    return f"zig {version()} {hashlib.sha256(script.encode()).hexdigest()[:8]}"


def cmake_system(target: str) -> dict[str, str]:
    """Return the CMake variables that name the target; empty if it is this machine, which CMake detects."""
    if target == host_target():
        return {}
    system, _, machine = target.partition("-")
    found = {"CMAKE_SYSTEM_NAME": SYSTEMS[system], "CMAKE_SYSTEM_PROCESSOR": PROCESSORS.get(target, machine)}
    return found | (WITHOUT_APPLE if system == "macos" else {})


def _options(zig_target: str) -> str:
    return f"-target {zig_target} -fno-sanitize=undefined"


def _before_the_call(zig_target: str) -> list[str]:
    return [OPTIMIZE, *([TRANSLATE] if "aarch64" in zig_target else [])]


def write_scripts(folder: Path, program: Path, target: str) -> dict[str, Path]:
    """Write the scripts zig-cc, zig-c++, zig-ar and others for `target` into `folder`; return them by name.

    The names are without `zig-`. `program` is named relative to `folder`, so that a compiler cache sees the same
    compiler in every checkout. The target is always passed: without it, zig compiles for the processor of this machine.
    """
    call = f'exec "$(dirname "$0")"/{shlex.quote(os.path.relpath(program, folder))}'
    compile_for = _options(load_matrix().zig_target(target))
    scripts = {}
    for name in ("cc", "c++", "ar", "ranlib", "rc", "dlltool"):
        compiles = name in ("cc", "c++")
        lines = ["#!/bin/sh", f"# zig {version()}", *(_before_the_call(compile_for) if compiles else [])]
        lines.append(f'{call} {name} {compile_for if compiles else ""} "$@"')
        scripts[name] = folder / f"zig-{name}"
        write_text(scripts[name], "\n".join([*lines, ""]), executable=True)
    return scripts
