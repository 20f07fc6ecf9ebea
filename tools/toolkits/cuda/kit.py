"""The kit for CUDA: NVIDIA's compiler, the compilers that it calls, what links, and a list of GPUs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from tools.compilers.toolchains import find_toolchain, zig_toolchain
from tools.errors import ToolError, UnavailableError
from tools.matrix import GpuArch, host_target
from tools.paths import REQUIREMENTS
from tools.toolkits import gpu_architectures
from tools.toolkits.cuda import windows
from tools.toolkits.cuda.host_compilers import host_compilers
from tools.toolkits.cuda.nvidia_wheels import (
    LIBRARIES,
    REQUIREMENT,
    ensure_toolkit,
    ensure_toolkit_for,
    licence,
    nvcc,
    toolkit_environment,
)
from tools.toolkits.toolkit import Kit
from tools.util import stamps

VARIABLE = gpu_architectures.variable("cuda")
THIS_GPU = "native"

_ARCH = re.compile(rf"{THIS_GPU}|\d{{2,3}}[af]?(-real|-virtual)?")


def cuda_kit(target: str | None = None, variables: Mapping[str, str] = os.environ) -> Kit:
    """Return the kit for `target`, or this machine: the compiler from NVIDIA's wheels, and the GPU architectures.

    For Linux zig links, for the oldest C library of the matrix. Raises UnavailableError if there is no C++ compiler
    that nvcc supports, and ToolError for unknown architectures.
    """
    host, archs = host_target(), wanted_archs(variables)
    target = target or host
    if target != host and THIS_GPU in archs.split(","):
        what = f"{VARIABLE} asks for the GPU of this machine, and the build is for {target}."
        raise ToolError(what, fix="Name the architectures, such as 90-real.")
    if target == windows.TARGET != host:
        return windows.windows_kit(archs, host_compilers(host, variables))
    if target.startswith("linux"):
        compilers, linker = host_compilers(target, variables), zig_toolchain(target, variables)
    elif target == host:
        compilers, linker = find_toolchain(variables), None
    else:
        raise UnavailableError(f"The CUDA plug-in for {target} is compiled on {target} only.")
    toolkit = ensure_toolkit() if target == host else ensure_toolkit_for(target)
    defines = {"CUDAToolkit_ROOT": str(toolkit), "CMAKE_CUDA_COMPILER": str(nvcc(toolkit)), VARIABLE: archs}
    defines["LLAMAPACK_LICENCES"] = f"nvidia-cuda.txt={licence(toolkit_environment())}"
    if compilers.cxx:
        defines["CMAKE_CUDA_HOST_COMPILER"] = compilers.cxx[0]
    inputs = {
        "CUDA toolkit": stamps.file_digest(REQUIREMENTS / f"{REQUIREMENT}.txt"),
        "CUDA architectures": archs,
    }
    if target != host:
        inputs["CUDA libraries"] = stamps.file_digest(REQUIREMENTS / f"{LIBRARIES}.txt")
    return Kit(inputs=inputs, defines=defines, languages=("CUDA",), toolchain=compilers, linker=linker)


def wanted_archs(variables: Mapping[str, str] = os.environ) -> str:
    """Return the GPU architectures for CMake, with commas: the matrix's list, or LLAMAPACK_CUDA_ARCHS."""
    advice = "Use CMake's words, with commas: 90-real is machine code, 90-virtual PTX, 90 both; or native."
    return gpu_architectures.wanted("cuda", _ARCH, advice, variables, spell)


def spell(arch: GpuArch) -> str:
    """Return an architecture of the matrix in CMake's notation."""
    return f"{arch.arch}-{'virtual' if arch.kind == 'ptx' else 'real'}"
