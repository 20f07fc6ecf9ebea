"""The kit for 64-bit Windows on a Linux machine: NVIDIA's compiler for the device code, zig's clang for the rest.

CMake gets a program that acts as clang for CUDA; tools/compilers/cuda_windows says how it works.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shlex
import sys
from pathlib import Path

from tools.compilers import clang_for_windows, cuda_windows
from tools.compilers.clang_headers import REQUIREMENT as HEADERS
from tools.compilers.clang_headers import clang_headers
from tools.compilers.cuda_windows.compiling import Settings
from tools.compilers.toolchain import Toolchain
from tools.compilers.toolchains import zig_commands
from tools.errors import UnavailableError
from tools.matrix import host_target
from tools.paths import BUILD, REQUIREMENTS, ROOT, cache_dir
from tools.platforms.target_packages import wheelhouse
from tools.toolkits.cuda.nvidia_wheels import (
    ANY_PYTHON,
    LIBRARIES,
    REQUIREMENT,
    ensure_toolkit,
    licence,
    major,
    nvcc,
    toolkit_environment,
)
from tools.toolkits.cuda.windows_libraries import make_import_libraries
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.atomic_files import write_text
from tools.util.files import locked, staged_folder
from tools.util.venv import ensure_environment

log = logging.getLogger(f"llamapack.{__name__}")

TARGET = "windows-x86_64"
FOLDER = BUILD / "cuda-for-windows"


def windows_kit(archs: str, host: Toolchain) -> Kit:
    """Return the kit for the architectures `archs`, in CMake's notation and with commas.

    `host` are compilers of this machine that NVIDIA's compiler supports. Raises UnavailableError on a machine that it
    does not run on.
    """
    if host_target() != "linux-x86_64":
        raise UnavailableError(
            f"The CUDA plug-in for {TARGET} is compiled on linux-x86_64, and this machine is {host_target()}.",
            why="It takes NVIDIA's compiler for Linux and zig's clang.",
        )
    toolkit = windows_toolkit()
    files = [file for file in own_files() if file.is_file()]
    identity = {
        "CUDA toolkit": stamps.file_digest(REQUIREMENTS / f"{REQUIREMENT}.txt"),
        "CUDA libraries": stamps.file_digest(REQUIREMENTS / f"{LIBRARIES}.txt"),
        "clang's headers": stamps.file_digest(REQUIREMENTS / f"{HEADERS}.txt"),
        "C++ compiler of CUDA's": host.identity,
        "how device code and host part are joined": stamps.tree_digest(ROOT, files),
    }
    compiler = write_compiler(FOLDER, toolkit, host.cxx[0], f"{identity['CUDA toolkit']} {host.identity}")
    version = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    return Kit(
        inputs={**identity, "CUDA architectures": archs},
        defines={
            "CUDAToolkit_ROOT": str(toolkit),
            "CMAKE_CUDA_COMPILER": str(compiler),
            "CMAKE_CUDA_COMPILER_TARGET": clang_for_windows.TRIPLE,
            "LLAMAPACK_CUDA_ARCHS": archs,
            "LLAMAPACK_CUDA_JOINED": f"joined-{version}",
            "LLAMAPACK_LICENCES": f"nvidia-cuda.txt={licence(toolkit_environment())}",
        },
        languages=("CUDA",),
    )


def own_files() -> list[Path]:
    """Return the files that decide what becomes of a source."""
    folder = Path(cuda_windows.__file__).parent
    return sorted([*folder.rglob("*.py"), *folder.rglob("include/**/*.h*"), Path(clang_for_windows.__file__)])


def windows_toolkit() -> Path:
    """Return the folder of a toolkit whose programs run here, and whose libraries are import libraries for Windows."""
    own, digest = ensure_toolkit(), stamps.file_digest(REQUIREMENTS / f"{LIBRARIES}.txt").rpartition(":")[2][:8]
    folder = cache_dir() / f"{toolkit_environment().folder.name}-{TARGET}-{digest}"
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            house = wheelhouse(ANY_PYTHON, TARGET, LIBRARIES)
            log.info(f"Making import libraries of CUDA's for {TARGET}")
            dlltool = shlex.split(zig_commands(TARGET).defines["CMAKE_DLLTOOL"])
            with staged_folder(folder) as staged:
                _link_programs(staged, own)
                (staged / "lib64").mkdir()
                make_import_libraries(house, major(), dlltool, staged / "lib64")
    return folder


def _link_programs(folder: Path, own: Path) -> None:
    """Link programs and headers: nvcc takes the folder that it is called in for its toolkit, even if it is a link."""
    (folder / "bin").mkdir()
    for file in (own / "bin").iterdir():
        (folder / "bin" / file.name).symlink_to(file)
    for name in ("include", "nvvm"):
        (folder / name).symlink_to(own / name)


def write_compiler(folder: Path, toolkit: Path, host_compiler: str, identity: str) -> Path:
    """Write the program that CMake takes for clang into `folder`, and return it.

    `identity` is that of nvcc, and of the C++ compiler that it calls.
    """
    environment = ensure_environment(["build", "zig", HEADERS])
    zig = environment.packages / "ziglang" / "zig"
    settings = Settings(
        zig=str(zig),
        clang_headers=str(clang_headers(environment, zig)),
        toolkit=str(nvcc(toolkit).parents[1]),
        host_compiler=host_compiler,
        linker=zig_commands(TARGET).cxx[0],
        nvcc=identity,
        kept=str(cache_dir() / "cuda-device-code"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    settings.write(folder / "settings.json")
    program = folder / "clang++"
    call = shlex.join([sys.executable, "-m", cuda_windows.__name__, str(folder / "settings.json")])
    write_text(program, f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {call} "$@"\n', executable=True)
    return program
