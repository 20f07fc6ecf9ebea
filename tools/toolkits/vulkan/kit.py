"""The kit for Vulkan: headers that are new enough, a shader compiler, and the loader."""

from __future__ import annotations

import logging
import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.compilers.shader_cache import cached_glslc
from tools.errors import ToolError, UnavailableError
from tools.matrix import host_target, load_matrix
from tools.paths import BUILD, package_folder
from tools.platforms import apt
from tools.platforms.apt import LaterPackage
from tools.toolkits.toolkit import Kit
from tools.toolkits.vulkan import another_target
from tools.util.atomic_files import write_text
from tools.util.cmd import run

log = logging.getLogger(f"llamapack.{__name__}")

BUILD_PACKAGES = ("glslc", "libvulkan-dev", "spirv-headers")
LATER_HEADERS = LaterPackage(
    name="libvulkan-dev",
    version="1.4.309.0-1",
    release="trixie",
    sha256="8d329d465e16168afff58b1bd0dd6db46aac2cc3f56054a481b25a04e90b345a",
)
LATER_GLSLC = tuple(
    LaterPackage(name=name, release="forky") for name in ("glslc", "libshaderc1", "libstdc++6", "libgcc-s1", "libc6")
)
"""A shader compiler that knows more extensions than this release's, with all that it is linked with."""
SYSTEM_INCLUDE = Path("/usr/include")
LICENCES = {
    "vulkan-headers.txt": ("usr/share/doc/libvulkan-dev/copyright", "../LICENSE.txt"),
    "spirv-headers.txt": ("usr/share/doc/spirv-headers/copyright",),
    "apache-2.0.txt": ("usr/share/common-licenses/Apache-2.0",),
}
"""The licences of what is compiled in: a name for each, and where Debian or the SDK has it."""
SHADERS = package_folder("vulkan") / "native/llama.cpp/ggml/src/ggml-vulkan/vulkan-shaders"
PROBES = SHADERS / "feature-tests"
"""Small shaders, by which ggml's build finds out what the shader compiler knows."""
SDK = "install the Vulkan SDK and set VULKAN_SDK to its folder"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What was found on this machine, or fetched for it."""

    include: Path
    """The folder with Vulkan's headers."""
    glslc: Path
    roots: tuple[Path, ...]
    """The folders in which headers and licences are."""
    chosen: bool = False
    """True if CMake would not find these headers by itself."""


def vulkan_kit(target: str | None = None, variables: Mapping[str, str] = os.environ) -> Kit:
    """Return the kit for `target`, or for this machine: from the SDK in VULKAN_SDK, or the system's packages.

    If the system's headers or shader compiler are too old, those of a later Debian release are downloaded. For another
    target, the loader to link with is made from the headers. Raises UnavailableError if something is missing and cannot
    be installed.
    """
    parts = find_parts(variables)
    version = headers_version(parts.include)
    if not is_new_enough(version):
        raise _too_old(parts.include)
    compiler = run([parts.glslc, "--version"]).stdout
    defines = {"Vulkan_GLSLC_EXECUTABLE": str(cached_glslc(parts.glslc, compiler, SHADERS, BUILD / "glslc"))}
    defines["LLAMAPACK_LICENCES"] = ";".join(f"{name}={path}" for name, path in licences(parts.roots).items())
    defines["LLAMAPACK_PARTS"] = f"Vulkan-Headers={version}=Apache-2.0 OR MIT"
    if target not in (None, host_target()):
        defines |= another_target.defines(target, parts.include, parts.roots)
    elif parts.chosen:
        defines["Vulkan_INCLUDE_DIR"] = str(parts.include)
    missing = ", ".join(missing_extensions(parts.glslc))
    kit = f"headers {version}, {compiler.splitlines()[0]}"
    return Kit(inputs={"Vulkan kit": kit, "GLSL extensions that are lacking": missing}, defines=defines)


def find_parts(variables: Mapping[str, str]) -> Parts:
    """Find headers and shader compiler on this machine, or fetch them; UnavailableError says what is missing."""
    if sdk := variables.get("VULKAN_SDK"):
        folder = Path(sdk)
        return Parts(include=folder / "include", glslc=folder / "bin" / "glslc", roots=(folder,), chosen=True)
    if sys.platform != "linux":
        raise UnavailableError("VULKAN_SDK is not set.", fix=f"To build the Vulkan plug-in, {SDK}.")
    if apt.is_here():
        apt.require(BUILD_PACKAGES, purpose="building the Vulkan plug-in")
    if not (glslc := shutil.which("glslc")):
        fix = f"Install your system's packages for glslc, the Vulkan headers and loader, and SPIRV-Headers; or {SDK}."
        raise UnavailableError("glslc, Vulkan's shader compiler, was not found.", fix=fix)
    system = SYSTEM_INCLUDE.parents[1]
    if is_new_enough(headers_version(SYSTEM_INCLUDE)):
        return Parts(include=SYSTEM_INCLUDE, glslc=Path(glslc), roots=(system,))
    if not apt.is_here():
        raise _too_old(SYSTEM_INCLUDE)
    later = apt.later_files([LATER_HEADERS])
    include = later / "usr" / "include"
    return Parts(include=include, glslc=best_glslc(Path(glslc)), roots=(later, system), chosen=True)


def best_glslc(system: Path) -> Path:
    """Return the system's glslc, or that of a later release if it supports more of the extensions that ggml uses."""
    missing = missing_extensions(system)
    if not missing or platform.machine() != "x86_64":
        return system
    try:
        folder = apt.later_files(LATER_GLSLC)
        later = _with_own_libraries(folder)
        if len(missing_extensions(later)) < len(missing):
            return later
    except ToolError as error:
        log.warning(str(error))
    log.warning(
        f"{system} is used, which does not know {', '.join(missing)}: those GPUs that do are slower than they can be."
    )
    return system


def missing_extensions(glslc: Path, probes: Path | None = None) -> tuple[str, ...]:
    """Return the GLSL extensions that ggml would use and `glslc` does not support, tested as in ggml's build."""
    found = []
    for shader in sorted((probes or PROBES).glob("*.comp")):
        arguments = ("-o", "-", "-fshader-stage=compute", "--target-env=vulkan1.3")
        said = re.search(r"extension not supported: (\w+)", run([glslc, *arguments, shader], check=False).stderr)
        found += [said[1]] if said else []
    return tuple(found)


def _with_own_libraries(folder: Path) -> Path:
    """Return a program that runs the unpacked glslc in `folder` with the C library that it was linked with."""
    script = folder / "glslc"
    if not script.exists():
        linker, libraries = folder / "usr/lib64/ld-linux-x86-64.so.2", folder / "usr/lib/x86_64-linux-gnu"
        arguments = [linker, "--library-path", libraries, folder / "usr/bin/glslc"]
        text = f'#!/bin/sh\nexec {shlex.join(map(str, arguments))} "$@"\n'
        write_text(script, text, executable=True)
    return script


def licences(roots: Sequence[Path]) -> dict[str, Path]:
    """Return the licence files, below `roots`, of what is compiled in, by their names in the wheel."""
    found = {}
    for name, places in LICENCES.items():
        there = (root / place for root in roots for place in places)
        if path := next(filter(Path.is_file, there), None):
            found[name] = path
    return found


def _too_old(include: Path) -> UnavailableError:
    version = headers_version(include)
    return UnavailableError(
        f"The Vulkan headers in {include} are " + (f"of version {version}." if version else "not there."),
        why=f"ggml-vulkan needs {floor()} or newer.",
        fix=f"Install newer ones, or {SDK}.",
    )


def floor() -> str:
    """Return the oldest supported version of the headers, from the matrix."""
    return load_matrix().toolchains["vulkan"].version


def is_new_enough(version: str) -> bool:
    """Return True if `version` is at least the oldest supported one; False if it is empty."""
    return bool(version) and _numbers(version) >= _numbers(floor())


def headers_version(include: Path) -> str:
    """Return the version of the Vulkan headers in `include`, such as 1.4.309; empty if there are none."""
    try:
        text = (include / "vulkan" / "vulkan_core.h").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    last = re.search(r"#define VK_HEADER_VERSION (\d+)", text)
    first = re.search(r"#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION\(\d+, (\d+), (\d+),", text)
    return f"{first[1]}.{first[2]}.{last[1]}" if first and last else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
