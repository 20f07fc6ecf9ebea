"""The kit for ROCm on 64-bit Windows, on a Linux machine: HIP's headers from Debian, and zig's clang.

tools/compilers/hip_windows says how a source is compiled. HIP's libraries for Windows come with AMD's installer only;
what is linked with are import libraries, made from the names in the headers.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.compilers import clang_for_windows, hip_windows
from tools.compilers.clang_headers import REQUIREMENT, clang_headers
from tools.compilers.compiler_cache import compiler_cache
from tools.compilers.hip_windows.settings import Settings
from tools.compilers.toolchain import Toolchain
from tools.compilers.toolchains import zig_commands
from tools.paths import BUILD, REQUIREMENTS, ROOT
from tools.toolkits import gpu_architectures
from tools.toolkits.rocm import windows_headers, windows_names
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.atomic_files import write_text
from tools.util.files import locked, remove_tree
from tools.util.venv import ensure_environment

TARGET = "windows-x86_64"
FOLDER = BUILD / "rocm-for-windows"
LIBRARIES = ("hip", "hipblas", "rocblas")
"""What CMake looks for."""


def windows_kit(archs: str, variables: Mapping[str, str] = os.environ) -> Kit:
    """Return the kit for the architectures `archs`, with commas.

    Raises UnavailableError on a machine without apt, from whose packages HIP's headers are taken.
    """
    files, commands = windows_headers.fetched(), zig_commands(TARGET)
    objects = {
        "HIP's headers": windows_headers.identity(),
        "clang's headers": stamps.file_digest(REQUIREMENTS / f"{REQUIREMENT}.txt"),
        "how HIP is compiled for Windows": stamps.tree_digest(ROOT, files_that_compile()),
    }
    layout = {**objects, "how HIP is linked with for Windows": stamps.tree_digest(ROOT, files_that_lay_out())}
    with locked(FOLDER.with_name(f"{FOLDER.name}.lock")):
        stamp, hashed = FOLDER / "layout.json", FOLDER / "objects.json"
        if stamps.changed(stamp, layout):
            remove_tree(FOLDER)
            lay_out(FOLDER, files, commands)
            stamps.write(hashed, objects)
            stamps.write(stamp, layout)
        compiler = write_programs(FOLDER / "programs", files, commands)
    return Kit(
        inputs={**layout, "ROCm architectures": archs},
        defines={
            **{f"{name}_DIR": str(FOLDER / "cmake") for name in LIBRARIES},
            "CMAKE_CXX_COMPILER": str(compiler),
            gpu_architectures.variable("rocm"): archs,
            "LLAMAPACK_HIP_INCLUDE": str(FOLDER / "include"),
            "LLAMAPACK_LICENCES": windows_headers.licences(files),
        },
        # Of what decides about an object, a compiler cache sees the call alone.
        variables={"CCACHE_EXTRAFILES": ":".join(filter(None, (variables.get("CCACHE_EXTRAFILES"), str(hashed))))},
    )


def make_stand_ins(folder: Path) -> Path:
    """Make stand-ins for the DLLs that the plug-in is linked with in `bin` of `folder`; return `folder`, for HIP_PATH.

    The kit must have been made.
    """
    include, commands = FOLDER / "include", zig_commands(TARGET)
    major, *_ = windows_headers.hip_version(include)
    windows_names.make_stand_ins(windows_names.exported_names(include, major), commands.c, folder)
    return folder


def files_that_compile() -> list[Path]:
    """Return the files that decide what becomes of a source."""
    folder = Path(hip_windows.__file__).parent
    return sorted([*folder.glob("*.py"), *folder.glob("include/*"), Path(clang_for_windows.__file__)])


def files_that_lay_out() -> list[Path]:
    """Return the files that decide what CMake finds HIP by."""
    return [Path(__file__), Path(windows_headers.__file__), Path(windows_names.__file__)]


def lay_out(folder: Path, files: Path, commands: Toolchain) -> None:
    """Make in `folder` what a build finds HIP by, from the packages unpacked in `files`."""
    include = folder / "include"
    windows_headers.copy_headers(files, include)
    version = windows_headers.hip_version(include)
    dlltool = shlex.split(commands.defines["CMAKE_DLLTOOL"])
    windows_names.make_import_libraries(windows_names.exported_names(include, version[0]), dlltool, folder / "lib")
    for name, text in packages(folder, ".".join(version)).items():
        write_text(folder / "cmake" / f"{name}-config.cmake", text)


def packages(folder: Path, version: str) -> dict[str, str]:
    """Return the files by which CMake finds HIP, hipBLAS and rocBLAS in `folder`."""

    def library(target: str, *links: str) -> list[str]:
        linked = " ".join(f'"{link}"' for link in links)
        return [f"add_library({target} INTERFACE IMPORTED)", f"target_link_libraries({target} INTERFACE {linked})"]

    hip = [
        f"set(hip_VERSION {version})",
        *library("hip::host", f"{folder}/lib/libamdhip64.a"),
        f'target_include_directories(hip::host SYSTEM INTERFACE "{folder}/include")',
        *library("hip::device", "hip::host"),
        'target_compile_options(hip::device INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-x hip>")',
        "foreach(_gpu IN LISTS GPU_TARGETS)",
        '    target_compile_options(hip::device INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:--offload-arch=${_gpu}>")',
        "endforeach()",
    ]
    return {
        "hip": "\n".join([*hip, ""]),
        "hipblas": "\n".join([*library("roc::hipblas", f"{folder}/lib/libhipblas.a"), ""]),
        "rocblas": "\n".join([*library("roc::rocblas", f"{folder}/lib/librocblas.a"), ""]),
    }


def write_programs(folder: Path, files: Path, commands: Toolchain) -> Path:
    """Write the C++ compiler for CMake into `folder`, and the linker for GPUs beside it; return the compiler.

    Sources without `-x hip`, and what is linked, it leaves to the C++ compiler of `commands`.
    """
    environment = ensure_environment(["build", "zig", REQUIREMENT])
    zig = environment.packages / "ziglang" / "zig"
    settings = Settings(
        zig=str(zig),
        clang_headers=str(clang_headers(environment, zig)),
        include=str(folder.parent / "include"),
        device_libraries=str(windows_headers.device_libraries(files)),
        programs=str(folder),
        launcher=compiler_cache(commands, environment).launcher,
    )
    folder.mkdir(parents=True, exist_ok=True)
    settings.write(folder / "settings.json")
    call = shlex.join([sys.executable, "-m", hip_windows.__name__, str(folder / "settings.json")])
    lines = (
        "#!/bin/sh",
        "for word; do",
        f'    [ "$before $word" = "-x hip" ] && PYTHONPATH={shlex.quote(str(ROOT))} exec {call} "$@"',
        "    before=$word",
        "done",
        f'exec {shlex.quote(commands.cxx[0])} "$@"',
        "",
    )
    write_text(folder / "c++", "\n".join(lines), executable=True)
    # clang calls it with `-flavor gnu` first, which the other name stands for.
    write_text(folder / "lld", f'#!/bin/sh\nshift 2\nexec {shlex.quote(str(zig))} ld.lld "$@"\n', executable=True)
    return folder / "c++"
