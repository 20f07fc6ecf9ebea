"""The kit for ROCm: the system's, or Debian's in a root folder.

The system's is in ROCM_PATH (on Windows HIP_PATH), or in /opt/rocm. If there is none, ROCm from Debian's forky suite is
installed into a root folder in the cache, and the build runs in there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from tools.compilers.toolchain import Toolchain
from tools.errors import UnavailableError
from tools.matrix import host_target, load_matrix
from tools.paths import ROOT
from tools.platforms import debian_roots
from tools.toolkits import gpu_architectures
from tools.toolkits.rocm import windows
from tools.toolkits.toolkit import Elsewhere, Kit

DEFAULT = Path("/opt/rocm")
FORKY = debian_roots.Root(
    suite="forky",
    packages=(
        *("hipcc", "libamdhip64-dev", "libhipblas-dev", "librocblas-dev", "python3"),
        # needed there to run the finished wheels and their tests: nox -s test-rocm
        *("python3-click", "python3-numpy", "python3-pytest", "python3-rich"),
    ),
)
FORKY_MIB = 6000
HEADER = Path("include/hip/hip_version.h")
COMPILERS = ("llvm/bin/clang++", "lib/llvm/bin/clang++", "bin/clang++.exe")
SDK = "Install AMD's ROCm (on Windows the HIP SDK), and set {} to its folder."

_ARCH = re.compile(r"gfx\d{1,2}([0-9a-f]{2}|(-\d)*-generic)(:[a-z]+[+-])*")
_VERSION = re.compile(r"#define HIP_VERSION_(?:MAJOR|MINOR|PATCH)\s+(\d+)")


def rocm_kit(target: str | None = None, variables: Mapping[str, str] = os.environ) -> Kit:
    """Return the kit for `target`; for this machine the system's ROCm, or Debian's in a root folder if there is none.

    Raises UnavailableError if neither is available or the system's is too old, and ToolError for unknown architectures.
    """
    archs = gpu_architectures.wanted("rocm", _ARCH, "Use AMD's names, with commas: gfx90a,gfx1100.", variables)
    if target not in (None, host_target()):
        return _kit_for(target, archs)
    if folder := system_rocm(variables):
        return _system_kit(folder, archs)
    if sys.platform != "linux":
        name = "HIP_PATH" if sys.platform == "win32" else "ROCM_PATH"
        raise UnavailableError("ROCm was not found.", fix=SDK.format(name))
    return _forky_kit(forky_root(), archs)


def _kit_for(target: str, archs: str) -> Kit:
    """Return the kit for another target than this machine's: for Windows on Linux, and for nothing else."""
    if (target, host_target()) != (windows.TARGET, "linux-x86_64"):
        raise UnavailableError(f"ROCm is not compiled for {target} on {host_target()}.", fix=f"Build it on {target}.")
    return windows.windows_kit(archs)


def forky_root() -> Path:
    """Return the root folder with Debian's ROCm; it is made if it does not exist."""
    return debian_roots.ensure_root(FORKY, mib=FORKY_MIB)


def system_rocm(variables: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of this system's ROCm; None if there is none.

    Raises UnavailableError if it is too old, and if ROCM_PATH or HIP_PATH names a folder without ROCm.
    """
    name = next((name for name in ("ROCM_PATH", "HIP_PATH") if variables.get(name)), "")
    folder = Path(variables[name]) if name else DEFAULT
    if not (name or (folder / HEADER).is_file()):
        return None
    version, floor = rocm_version(folder), load_matrix().toolchains["rocm"].version
    if not version:
        raise UnavailableError(f"{name} is {folder}, which has no {HEADER}.", fix=SDK.format(name))
    if _numbers(version) < _numbers(floor):
        why = f"ggml needs {floor} or newer."
        raise UnavailableError(f"The ROCm in {folder} is of version {version}.", why=why, fix=SDK.format("ROCM_PATH"))
    return folder


def rocm_version(folder: Path) -> str:
    """Return the version of HIP's headers in `folder`, such as 6.4.43484; empty if there are none."""
    try:
        text = (folder / HEADER).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = _VERSION.findall(text)
    return ".".join(found) if len(found) == 3 else ""


def _system_kit(folder: Path, archs: str) -> Kit:
    clang = next((folder / name for name in COMPILERS if (folder / name).is_file()), None)
    if clang is None:
        raise UnavailableError(f"The ROCm in {folder} has no clang++.", fix="Install its compiler (package rocm-llvm).")
    inputs = {"ROCm kit": f"ROCm {rocm_version(folder)} in {folder}", "ROCm architectures": archs}
    defines = {gpu_architectures.variable("rocm"): archs, "CMAKE_PREFIX_PATH": str(folder)}
    paths = {"ROCM_PATH": str(folder), "HIP_PATH": str(folder)}
    if sys.platform == "win32":  # CMake has no HIP language there: everything is compiled with AMD's clang
        both = Toolchain(c=(str(clang.with_name("clang.exe")),), cxx=(str(clang),), description=f"clang of {folder}")
        return Kit(inputs=inputs, defines=defines, variables=paths, toolchain=both)
    defines["CMAKE_HIP_COMPILER"] = str(clang)
    return Kit(inputs=inputs, defines=defines, variables=paths, languages=("HIP",))


def _forky_kit(folder: Path, archs: str) -> Kit:
    """Return the kit in the root folder; Debian's clang needs the path of AMD's device libraries."""
    *_, clang = sorted(path.name for path in (folder / "usr/bin").glob("clang++-[0-9]*"))
    (bitcode,) = (path.relative_to(folder) for path in folder.glob("usr/lib/llvm-*/lib/clang/*/amdgcn/bitcode"))
    description = f"{clang} of Debian {FORKY.suite}"
    return Kit(
        inputs={"ROCm kit": f"ROCm {rocm_version(folder / 'usr')}, {description}", "ROCm architectures": archs},
        defines={
            gpu_architectures.variable("rocm"): archs,
            "CMAKE_HIP_COMPILER": f"/usr/bin/{clang}",
            "CMAKE_HIP_FLAGS": f"--rocm-device-lib-path=/{bitcode}",
        },
        # What is linked there may need that new C library: because of the tag, pip does not install it elsewhere.
        variables={"ROCM_PATH": "/usr", "_PYTHON_HOST_PLATFORM": f"manylinux_{c_library(folder)}_x86_64"},
        languages=("HIP",),
        toolchain=Toolchain(c=(clang.replace("++", ""),), cxx=(clang,), description=description),
        elsewhere=Elsewhere(command=partial(in_forky, folder), python="python3", path=debian_roots.SYSTEM_PATH),
    )


def c_library(folder: Path) -> str:
    """Return the version of glibc in the root in `folder`, as in wheel tags: 2_43."""
    content = (folder / "usr/lib/x86_64-linux-gnu/libc.so.6").read_bytes()
    return b"_".join(re.findall(rb"GNU C Library .* release version (\d+)\.(\d+)", content)[0]).decode()


def in_forky(folder: Path, arguments: Sequence[str], variables: Mapping[str, str], cwd: Path) -> list[str]:
    """Return the command line that runs `arguments` in the root, with access to the checkout and the compiler cache."""
    objects = Path(os.environ.get("CCACHE_DIR") or Path.home() / ".cache" / "ccache")
    objects.mkdir(parents=True, exist_ok=True)
    settings = {**variables, "CCACHE_DIR": str(objects)}
    return debian_roots.command(
        folder, arguments, binds={path: str(path) for path in (ROOT, objects)}, variables=settings, cwd=str(cwd)
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
