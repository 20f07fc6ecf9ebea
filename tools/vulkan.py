"""What the Vulkan plug-in is compiled with: headers that are new enough, a shader compiler, and the loader."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools import debian
from tools.debian import LaterPackage
from tools.errors import LackingError
from tools.live import Say, quiet
from tools.matrix import load_matrix
from tools.shell import run

BUILD_PACKAGES = ("glslc", "libvulkan-dev", "spirv-headers")
TEST_PACKAGES = ("libvulkan1", "mesa-vulkan-drivers")
LATER_HEADERS = LaterPackage(
    name="libvulkan-dev",
    version="1.4.309.0-1",
    release="trixie",
    sha256="8d329d465e16168afff58b1bd0dd6db46aac2cc3f56054a481b25a04e90b345a",
)
SYSTEM_INCLUDE = Path("/usr/include")
DRIVERS = Path("/usr/share/vulkan/icd.d")
SDK = "install the Vulkan SDK and set VULKAN_SDK to its folder"


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What a plug-in is compiled with beside a compiler."""

    inputs: Mapping[str, str]
    """What identifies it, by the words for it in the message that it has changed."""
    defines: Mapping[str, str] = field(default_factory=dict)


def vulkan_kit(say: Say = quiet, variables: Mapping[str, str] = os.environ) -> Kit:
    """Return the kit of this machine: the SDK that VULKAN_SDK names, or the system's packages.

    Where the system's headers are too old, those of a later Debian release are fetched. Raises LackingError for what
    cannot be had here.
    """
    if sdk := variables.get("VULKAN_SDK"):
        return _kit(Path(sdk) / "include", Path(sdk) / "bin" / "glslc", chosen=True)
    if sys.platform != "linux":
        raise LackingError("VULKAN_SDK is not set.", fix=f"To build the Vulkan plug-in, {SDK}.")
    if debian.is_here():
        debian.require(BUILD_PACKAGES, purpose="building the Vulkan plug-in", say=say)
    if not (glslc := shutil.which("glslc")):
        fix = f"Install your system's packages for glslc, the Vulkan headers and loader, and SPIRV-Headers; or {SDK}."
        raise LackingError("glslc, Vulkan's shader compiler, was not found.", fix=fix)
    if is_new_enough(headers_version(SYSTEM_INCLUDE)):
        return _kit(SYSTEM_INCLUDE, Path(glslc))
    if not debian.is_here():
        raise _too_old(SYSTEM_INCLUDE)
    return _kit(debian.later_files(LATER_HEADERS, say) / "usr" / "include", Path(glslc), chosen=True)


def lavapipe(say: Say = quiet) -> dict[str, str]:
    """Return the variables that make Mesa's lavapipe the only Vulkan device, and ggml use it though it is the CPU."""
    if sys.platform == "linux" and debian.is_here():
        debian.require(TEST_PACKAGES, purpose="running Vulkan on the CPU", say=say)
    drivers = sorted(DRIVERS.glob("lvp_icd.*json"))
    if not drivers:
        raise LackingError(
            "Mesa's lavapipe, a Vulkan device on the CPU, is not here.",
            why=f"There is no lvp_icd.*.json in {DRIVERS}.",
            fix="Install it (Debian: mesa-vulkan-drivers), or test a real device: nox -s test-vulkan -- --device",
        )
    return {"VK_DRIVER_FILES": str(drivers[0]), "VK_ICD_FILENAMES": str(drivers[0]), "GGML_VK_VISIBLE_DEVICES": "0"}


def _kit(include: Path, glslc: Path, *, chosen: bool = False) -> Kit:
    version = headers_version(include)
    if not is_new_enough(version):
        raise _too_old(include)
    compiler = run([glslc, "--version"]).stdout.partition("\n")[0]
    defines = {"Vulkan_INCLUDE_DIR": str(include), "Vulkan_GLSLC_EXECUTABLE": str(glslc)} if chosen else {}
    return Kit(inputs={"Vulkan kit": f"headers {version}, {compiler}"}, defines=defines)


def _too_old(include: Path) -> LackingError:
    version = headers_version(include)
    return LackingError(
        f"The Vulkan headers in {include} are " + (f"of version {version}." if version else "not there."),
        why=f"ggml-vulkan needs {floor()} or newer.",
        fix=f"Install newer ones, or {SDK}.",
    )


def floor() -> str:
    """Return the oldest version of the headers, from the matrix."""
    return load_matrix().toolchains["vulkan"].version


def is_new_enough(version: str) -> bool:
    """Tell whether headers of `version` are the matrix's floor or newer; empty is no version."""
    return bool(version) and _numbers(version) >= _numbers(floor())


def headers_version(include: Path) -> str:
    """Return the version of the Vulkan headers in `include`, as in 1.4.309; empty where there are none."""
    try:
        text = (include / "vulkan" / "vulkan_core.h").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    last = re.search(r"#define VK_HEADER_VERSION (\d+)", text)
    first = re.search(r"#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION\(\d+, (\d+), (\d+),", text)
    return f"{first[1]}.{first[2]}.{last[1]}" if first and last else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
