"""HIP's headers from Debian, changed for clang for Windows, and AMD's libraries for GPUs.

The headers are those of HIP for Linux, which differ in two places from what clang for Windows needs.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tools.errors import ToolError
from tools.platforms import apt
from tools.platforms.apt import LaterPackage
from tools.util.atomic_files import write_text

PACKAGES = tuple(
    LaterPackage(name=name, version=version, release="forky", sha256=digest)
    for name, version, digest in (
        ("libamdhip64-dev", "6.4.3-5", "f2a3a542d41883f87a45e2d0554c1c84ccf350c836b9e8b35473dadbc34ced5e"),
        ("libhipblas-dev", "6.4.4-1", "1d5cb2208dc7f4f42d88cb056af7d5158261c65ce79228a960a723023e31658c"),
        ("libhipblas-common-dev", "7.1.0-1+b1", "017893ea1ac8077ed45d2f3a3978518ad4be1d7a6977234e54bbe278c3d21c56"),
        ("librocblas-dev", "6.4.4-4", "b86fdbe87a20759346214cbe961895bd25dea58e2303739de65b71c34eb5b05b"),
        ("rocm-device-libs-21", "7.0.2+dfsg-3", "5b22b3d5acaf1a282a4a6404d387c356899100f389564d7b27c2000885683287"),
    )
)
FOLDERS = ("hip", "hipblas", "hipblas-common", "rocblas")
"""What of their headers is taken."""
CHANGES = {
    # clang for Windows has 16-bit-float operators as on Linux, whatever Visual C++ has.
    "hip/amd_detail/amd_warp_functions.h": ("#ifndef _MSC_VER", "#ifndef _WIN32"),
    # What follows helps out older versions of libc++, and clashes with newer ones.
    "hip/amd_detail/amd_math_functions.h": (
        "#if _LIBCPP_VERSION && __HIP__",
        "#if _LIBCPP_VERSION && _LIBCPP_VERSION < 190000 && __HIP__",
    ),
}
"""By header, a text of HIP's for Linux, and what it is for Windows."""
LICENCES = {
    "hip.txt": "usr/share/doc/libamdhip64-dev/copyright",
    "hipblas.txt": "usr/share/doc/libhipblas-dev/copyright",
    "rocm-device-libs.txt": "usr/share/doc/rocm-device-libs-21/copyright",
}
"""Of what is compiled in: headers, and AMD's libraries for GPUs."""
_VERSION = re.compile(r"#define HIP_VERSION_(?:MAJOR|MINOR|PATCH)\s+(\d+)")


def fetched() -> Path:
    """Return the folder with the packages' files; raises UnavailableError on a machine without apt."""
    return apt.later_files(PACKAGES)


def identity() -> str:
    """Return an id that changes with the packages and with what is changed in their headers."""
    return "; ".join([*(f"{each.name} {each.version}" for each in PACKAGES), *map(str, CHANGES.items())])


def device_libraries(files: Path) -> Path:
    """Return the folder with AMD's libraries for GPUs, as LLVM's bitcode, in the packages' `files`."""
    (found,) = files.glob("usr/lib/llvm-*/lib/clang/*/amdgcn/bitcode")
    return found


def licences(files: Path) -> str:
    """Return the licences in the packages' `files` as LlamapackBackend.cmake reads them."""
    return ";".join(f"{name}={files / path}" for name, path in LICENCES.items())


def copy_headers(files: Path, include: Path) -> None:
    """Copy the headers in the packages' `files` to the folder `include`, and change them."""
    for name in FOLDERS:
        shutil.copytree(files / "usr" / "include" / name, include / name)
    change(include)


def change(include: Path) -> None:
    """Change the headers in `include` for clang for Windows; raises ToolError if they are not as expected."""
    for name, (old, new) in CHANGES.items():
        text = (include / name).read_text(encoding="utf-8")
        if old not in text:
            raise ToolError(
                f"HIP's {name} does not have `{old}`.",
                fix="Change CHANGES in tools/toolkits/rocm/windows_headers.py for its new form.",
            )
        write_text(include / name, text.replace(old, new))


def hip_version(include: Path) -> tuple[str, ...]:
    """Return the version of HIP's headers in `include`: major, minor and patch."""
    return tuple(_VERSION.findall((include / "hip" / "hip_version.h").read_text(encoding="utf-8")))
