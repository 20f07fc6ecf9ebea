"""The kit for CUDA: NVIDIA's wheels, which need no CUDA on the system, and a list of GPUs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.compilers.toolchains import find_toolchain
from tools.errors import ToolError, UnavailableError
from tools.matrix import GpuArch, load_matrix
from tools.paths import REQUIREMENTS, cache_dir
from tools.toolkits import gpu_architectures
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.files import locked
from tools.util.venv import Environment, ensure_environment

VARIABLE = gpu_architectures.variable("cuda")
REQUIREMENT = "cuda"
UNVERSIONED = ("cudart", "cublas", "cublasLt")
"""The libraries that are linked with: the linker looks for them without the version that the wheels' files end in."""

_ARCH = re.compile(r"native|\d{2,3}[af]?(-real|-virtual)?")


def cuda_kit(target: str | None = None, variables: Mapping[str, str] = os.environ) -> Kit:
    """Return the kit: the compiler from NVIDIA's wheels, and the GPU architectures.

    Raises UnavailableError if there is no C++ compiler that nvcc supports, and ToolError for unknown architectures.
    """
    archs = wanted_archs(variables)
    host = find_toolchain(variables)
    if host.is_zig:
        raise UnavailableError(
            "CUDA's compiler works with gcc or clang, and none was found.", fix="Install g++ 11 to 15."
        )
    toolkit = ensure_toolkit()
    defines = {"CUDAToolkit_ROOT": str(toolkit), "CMAKE_CUDA_COMPILER": str(nvcc(toolkit)), VARIABLE: archs}
    defines["LLAMAPACK_LICENCES"] = f"nvidia-cuda.txt={licence(toolkit_environment())}"
    if host.cxx:
        defines["CMAKE_CUDA_HOST_COMPILER"] = host.cxx[0]
    inputs = {
        "CUDA toolkit": stamps.file_digest(REQUIREMENTS / f"{REQUIREMENT}.txt"),
        "CUDA architectures": archs,
    }
    return Kit(inputs=inputs, defines=defines, languages=("CUDA",))


def wanted_archs(variables: Mapping[str, str] = os.environ) -> str:
    """Return the GPU architectures for CMake, with commas: the matrix's list, or LLAMAPACK_CUDA_ARCHS."""
    advice = "Use CMake's words, with commas: 90-real is machine code, 90-virtual PTX, 90 both; or native."
    return gpu_architectures.wanted("cuda", _ARCH, advice, variables, spell)


def spell(arch: GpuArch) -> str:
    """Return an architecture of the matrix in CMake's notation."""
    return f"{arch.arch}-{'virtual' if arch.kind == 'ptx' else 'real'}"


def ensure_toolkit() -> Path:
    """Return the toolkit's folder, in an environment in the cache that all checkouts share."""
    environment = toolkit_environment()
    with locked(environment.folder.with_name(f"{environment.folder.name}-toolkit.lock")):
        ensure_environment([REQUIREMENT], folder=environment.folder)
        return complete(environment)


def toolkit_environment() -> Environment:
    """Return the environment for NVIDIA's wheels; each list of wheels has its own."""
    digest = stamps.file_digest(REQUIREMENTS / f"{REQUIREMENT}.txt").rpartition(":")[2][:8]
    return Environment(folder=cache_dir() / f"cuda-{digest}")


def nvidia_folder(environment: Environment) -> Path:
    """Return the folder of NVIDIA's wheels in `environment`."""
    return environment.packages / "nvidia" / f"cu{major()}"


def licence(environment: Environment) -> Path:
    """Return the file with NVIDIA's and others' licences of the headers that are compiled in: CUB and Thrust."""
    found = next(environment.packages.glob("nvidia_cuda_cccl-*.dist-info/licenses/License.txt"), None)
    if found is None:
        what = f"The licence of CUDA's headers is not in {environment.packages}."
        raise ToolError(what, fix="Has the wheel nvidia-cuda-cccl moved it? tools/toolkits/cuda.py has the path.")
    return found


def complete(environment: Environment, system: str = sys.platform) -> Path:
    """Link the files in NVIDIA's folder under the names that CMake and linkers expect; return that folder."""
    folder = nvidia_folder(environment)
    if system == "win32":
        return folder  # import libraries have no version in their names
    for name in UNVERSIONED:
        _link(folder / "lib" / f"lib{name}.so", f"lib{name}.so.{major()}")
    _link(folder / "lib64", "lib")
    return folder


def nvcc(toolkit: Path, system: str = sys.platform) -> Path:
    """Return the path of the compiler in the toolkit's folder."""
    return toolkit / "bin" / ("nvcc.exe" if system == "win32" else "nvcc")


def major() -> str:
    """Return the major version of CUDA, from the matrix."""
    return load_matrix().toolchains["cuda"].version.partition(".")[0]


def _link(path: Path, target: str) -> None:
    if not (path.parent / target).exists():
        raise ToolError(f"{path.parent / target} is missing.", fix=f"Remove {path.parents[1]}, and try again.")
    if not path.exists():
        path.unlink(missing_ok=True)
        path.symlink_to(target)
