"""The kit for ROCm on 64-bit Windows, on a Linux machine: HIP's headers from Debian, and zig's clang.

The headers are those of HIP for Linux, which differ in two places from what clang for Windows needs. HIP's libraries
for Windows are not to be had without AMD's installer; what is linked with are import libraries, made from the names in
the headers. tools/compilers/hip_windows says how a source is compiled.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

from tools.compilers import clang_for_windows, hip_windows
from tools.compilers.clang_headers import REQUIREMENT, clang_headers
from tools.compilers.hip_windows.compiling import Settings
from tools.compilers.toolchain import Toolchain
from tools.compilers.toolchains import zig_commands
from tools.errors import ToolError
from tools.paths import BUILD, REQUIREMENTS, ROOT
from tools.platforms import apt
from tools.platforms.apt import LaterPackage
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.atomic_files import write_text
from tools.util.cmd import run
from tools.util.files import locked, remove_tree
from tools.util.venv import ensure_environment

TARGET = "windows-x86_64"
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
    "rocm-device-libs.txt": "usr/share/doc/rocm-device-libs-21/copyright",
}
"""Of what is compiled in: HIP's headers, and AMD's libraries for GPUs."""
DLLS = {
    "amdhip64": (
        "amdhip64_{major}.dll",
        "hip/amd_detail/hip_api_trace.hpp",
        re.compile(r"\(\*t_((?:__)?hip\w+)\)"),
    ),
    "hipblas": ("libhipblas.dll", "hipblas/hipblas.h", re.compile(r"\b(hipblas\w+)\s*\(")),
    "rocblas": (
        "rocblas.dll",
        "rocblas/internal/rocblas-auxiliary.h",
        re.compile(r"\b(rocblas_\w+)\s*\("),
    ),
}
"""The DLLs of AMD's HIP SDK that ggml is linked with, each with the header that has its names, and a pattern for them."""
VERSION = re.compile(r"#define HIP_VERSION_(?:MAJOR|MINOR|PATCH)\s+(\d+)")
FOLDER = BUILD / "rocm-for-windows"


def windows_kit(archs: str) -> Kit:
    """Return the kit for the architectures `archs`, with commas.

    Raises UnavailableError on a machine without apt, from whose packages HIP's headers are taken.
    """
    files, environment = apt.later_files(PACKAGES), ensure_environment(["build", "zig", REQUIREMENT])
    zig, commands = environment.packages / "ziglang" / "zig", zig_commands(TARGET)
    identity = {
        "HIP's headers": " ".join(f"{package.name} {package.version}" for package in PACKAGES),
        "clang's headers": stamps.file_digest(REQUIREMENTS / f"{REQUIREMENT}.txt"),
        "how HIP is compiled for Windows": stamps.tree_digest(ROOT, own_files()),
    }
    with locked(FOLDER.with_name(f"{FOLDER.name}.lock")):
        stamp = FOLDER / "identity.json"
        if stamps.changed(stamp, identity):
            remove_tree(FOLDER)
            lay_out(FOLDER, files, commands)
            stamps.write(stamp, identity)
        (bitcode,) = files.glob("usr/lib/llvm-*/lib/clang/*/amdgcn/bitcode")
        settings = Settings(
            zig=str(zig),
            clang_headers=str(clang_headers(environment, zig)),
            include=str(FOLDER / "include"),
            device_libraries=str(bitcode),
            programs=str(FOLDER / "programs"),
        )
        compiler = write_programs(FOLDER / "programs", settings, commands.cxx[0])
    defines = {f"{name}_DIR": str(FOLDER / "cmake") for name in ("hip", "hipblas", "rocblas")}
    return Kit(
        inputs={**identity, "ROCm architectures": archs},
        defines={
            **defines,
            "CMAKE_CXX_COMPILER": str(compiler),
            "LLAMAPACK_ROCM_ARCHS": archs,
            "LLAMAPACK_HIP_INCLUDE": str(FOLDER / "include"),
            "LLAMAPACK_LICENCES": ";".join(f"{name}={files / path}" for name, path in LICENCES.items()),
        },
        # Of what decides about an object, ccache sees the call alone.
        variables={"CCACHE_EXTRAFILES": str(stamp)},
    )


def own_files() -> list[Path]:
    """Return the files that decide what becomes of a source."""
    folder = Path(hip_windows.__file__).parent
    return sorted([*folder.glob("*.py"), *folder.glob("include/*"), Path(clang_for_windows.__file__), Path(__file__)])


def lay_out(folder: Path, files: Path, commands: Toolchain) -> None:
    """Make in `folder` what a build finds HIP by, from the packages unpacked in `files`."""
    include = folder / "include"
    for name in ("hip", "hipblas", "hipblas-common", "rocblas"):
        shutil.copytree(files / "usr" / "include" / name, include / name)
    change(include)
    version = VERSION.findall((include / "hip" / "hip_version.h").read_text(encoding="utf-8"))
    dlltool = shlex.split(commands.defines["CMAKE_DLLTOOL"])
    (folder / "lib").mkdir()
    for name, (dll, names) in exported_names(include, version[0]).items():
        listed = folder / "lib" / f"{name}.def"
        write_text(listed, f"LIBRARY {dll}\nEXPORTS\n" + "".join(f"    {each}\n" for each in names))
        run([*dlltool, "-m", "i386:x86-64", "-d", listed, "-l", folder / "lib" / f"lib{name}.a"])
    (folder / "cmake").mkdir()
    for name, text in packages(folder, ".".join(version)).items():
        write_text(folder / "cmake" / f"{name}-config.cmake", text)


def change(include: Path) -> None:
    """Change the headers in `include` for clang for Windows; raises ToolError if they are not as expected."""
    for name, (old, new) in CHANGES.items():
        text = (include / name).read_text(encoding="utf-8")
        if old not in text:
            raise ToolError(
                f"HIP's {name} does not have `{old}`.",
                fix="Change tools/toolkits/rocm_for_windows.py for its new form.",
            )
        write_text(include / name, text.replace(old, new))


def exported_names(include: Path, major: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the file of each DLL in DLLS and the names that it exports, by the name of its library."""
    found = {}
    for name, (dll, header, pattern) in DLLS.items():
        names = sorted(set(pattern.findall((include / header).read_text(encoding="utf-8"))))
        if not names:
            raise ToolError(
                f"{header} has no names of {dll}.", fix="Change DLLS in tools/toolkits/rocm_for_windows.py."
            )
        found[name] = (dll.format(major=major), tuple(names))
    return found


def packages(folder: Path, version: str) -> dict[str, str]:
    """Return the files by which CMake finds HIP, hipBLAS and rocBLAS in `folder`."""

    def library(target: str, *lines: str) -> str:
        return "\n".join([f"add_library({target} INTERFACE IMPORTED)", *(f"{line}" for line in lines), ""])

    def linked(target: str, name: str) -> str:
        return f'target_link_libraries({target} INTERFACE "{folder}/lib/lib{name}.a")'

    include = f'target_include_directories(hip::host SYSTEM INTERFACE "{folder}/include")'
    gpus = (
        'foreach(_gpu IN LISTS GPU_TARGETS)\n    target_compile_options(hip::device INTERFACE "--offload-arch=${_gpu}")'
    )
    return {
        "hip": "\n".join(
            (
                f"set(hip_VERSION {version})",
                library("hip::host", include, linked("hip::host", "amdhip64")),
                library("hip::device", "target_link_libraries(hip::device INTERFACE hip::host)"),
                'target_compile_options(hip::device INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-x hip>")',
                f"{gpus}\nendforeach()\n",
            )
        ),
        "hipblas": library("roc::hipblas", linked("roc::hipblas", "hipblas")),
        "rocblas": library("roc::rocblas", linked("roc::rocblas", "rocblas")),
    }


def write_programs(folder: Path, settings: Settings, cxx: str) -> Path:
    """Write the C++ compiler for CMake into `folder`, and the linker for GPUs beside it; return the compiler.

    Sources without `-x hip`, and what is linked, it leaves to `cxx`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings.write(folder / "settings.json")
    call = shlex.join([sys.executable, "-m", hip_windows.__name__, str(folder / "settings.json")])
    lines = (
        "#!/bin/sh",
        "for word; do",
        f'    [ "$before $word" = "-x hip" ] && PYTHONPATH={shlex.quote(str(ROOT))} exec {call} "$@"',
        "    before=$word",
        "done",
        f'exec {shlex.quote(cxx)} "$@"',
        "",
    )
    write_text(folder / "c++", "\n".join(lines), executable=True)
    # clang calls it with `-flavor gnu` first, which the other name stands for.
    write_text(folder / "lld", f'#!/bin/sh\nshift 2\nexec {shlex.quote(settings.zig)} ld.lld "$@"\n', executable=True)
    return folder / "c++"
