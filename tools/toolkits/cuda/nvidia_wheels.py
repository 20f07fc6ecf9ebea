"""NVIDIA's wheels, in an environment in the cache that all checkouts share, laid out as a toolkit."""

from __future__ import annotations

import logging
import sys
import zipfile
from pathlib import Path

from tools.errors import ToolError
from tools.matrix import load_matrix
from tools.paths import REQUIREMENTS, cache_dir
from tools.platforms.target_packages import wheelhouse
from tools.util import stamps
from tools.util.files import locked, staged_folder
from tools.util.venv import Environment, ensure_environment

log = logging.getLogger(f"llamapack.{__name__}")

REQUIREMENT = "cuda"
LIBRARIES = "cuda-runtime"
"""The requirement file with the libraries, which other targets get alone: compilers and headers are this machine's."""
UNVERSIONED = ("cudart", "cublas", "cublasLt")
"""The libraries that are linked with: the linker looks for them without the version that the wheels' files end in."""
ANY_PYTHON = "3.13"
"""The wheels are the same for every Python; the Debian root that loads the plug-in has this one, and uses them too."""


def ensure_toolkit() -> Path:
    """Return the folder of the toolkit that is for this machine."""
    environment = toolkit_environment()
    with locked(environment.folder.with_name(f"{environment.folder.name}-toolkit.lock")):
        ensure_environment([REQUIREMENT], folder=environment.folder)
        return complete(environment)


def ensure_toolkit_for(target: str) -> Path:
    """Return the folder of a toolkit whose programs run here, and whose libraries are for another Linux `target`."""
    own, house = ensure_toolkit(), wheelhouse(ANY_PYTHON, target, LIBRARIES)
    digest = stamps.file_digest(REQUIREMENTS / f"{LIBRARIES}.txt").rpartition(":")[2][:8]
    folder = cache_dir() / f"{toolkit_environment().folder.name}-{target}-{digest}"
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            log.info(f"Unpacking CUDA's libraries for {target}")
            with staged_folder(folder) as staged:
                lay_out(staged, own, house)
    return folder


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
        fix = "Has the wheel nvidia-cuda-cccl moved it? tools/toolkits/cuda/nvidia_wheels.py has the path."
        raise ToolError(what, fix=fix)
    return found


def complete(environment: Environment, system: str = sys.platform) -> Path:
    """Link the files in NVIDIA's folder under the names that CMake and linkers expect; return that folder."""
    folder = nvidia_folder(environment)
    if system != "win32":  # import libraries have no version in their names
        _link_names(folder)
    return folder


def lay_out(folder: Path, own: Path, house: Path) -> None:
    """Make a toolkit in `folder`: programs and headers of `own`, and the libraries of the wheels in `house`.

    nvcc takes for its toolkit the folder that it is called in, whatever it is a link to; so `bin` cannot be one itself.
    """
    (folder / "bin").mkdir()
    for file in (own / "bin").iterdir():
        (folder / "bin" / file.name).symlink_to(file)
    for name in ("include", "nvvm"):
        (folder / name).symlink_to(own / name)
    (folder / "lib").mkdir()
    start = f"nvidia/cu{major()}/lib/"
    for wheel in sorted(house.glob("nvidia_*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if (name := entry.filename.removeprefix(start)) != entry.filename and "/" not in name and name:
                    entry.filename = name
                    archive.extract(entry, folder / "lib")
    _link_names(folder)


def _link_names(folder: Path) -> None:
    for name in UNVERSIONED:
        _link(folder / "lib" / f"lib{name}.so", f"lib{name}.so.{major()}")
    _link(folder / "lib64", "lib")


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
