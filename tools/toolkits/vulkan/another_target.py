"""What the build of the plug-in for another target than this machine gets: headers, loader, and a compiler for here.

ggml's build compiles a program that runs the shader compiler, and this program is for this machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tools.compilers.toolchain import Toolchain
from tools.compilers.toolchains import find_toolchain, with_commands, zig_commands
from tools.errors import UnavailableError
from tools.paths import BUILD
from tools.toolkits.vulkan.loader import loader
from tools.util.atomic_files import write_text
from tools.util.files import locked, remove_tree, staged_folder
from tools.util.venv import ensure_environment

SPIRV = Path("share") / "cmake" / "SPIRV-Headers"
"""Where below a system's `usr`, or an SDK, CMake's description of SPIRV-Headers lies."""
CONFIGURATION = "SPIRV-HeadersConfig.cmake"


def defines(target: str, include: Path, roots: Sequence[Path]) -> dict[str, str]:
    """Return the CMake variables of a build for `target` with Vulkan's headers in `include`."""
    folder = BUILD / f"vulkan-for-{target}"
    with locked(folder.with_name(f"{folder.name}.lock")):
        remove_tree(folder)
        with staged_folder(folder) as staged:
            only_headers(include, spirv(roots), staged)
            write_text(staged / "host.cmake", host_compilers(_compilers_of_this_machine()))
        library = loader(include, zig_commands(target), folder / "loader")
    return {
        "Vulkan_INCLUDE_DIR": str(folder / "include"),
        "Vulkan_LIBRARY": str(library),
        "SPIRV-Headers_DIR": str(folder / SPIRV),
        "GGML_VULKAN_SHADERS_GEN_TOOLCHAIN": str(folder / "host.cmake"),
    }


def spirv(roots: Sequence[Path]) -> Path:
    """Return the first folder with SPIRV-Headers: an SDK, or `usr` of a system; UnavailableError if there is none."""
    for folder in (place for root in roots for place in (root, root / "usr")):
        if (folder / SPIRV / CONFIGURATION).is_file():
            return folder
    raise UnavailableError(
        "SPIRV-Headers were not found.",
        why=f"{SPIRV / CONFIGURATION} is not in {', '.join(map(str, roots))}.",
        fix="Install them (Debian: spirv-headers).",
    )


def only_headers(include: Path, spirv_folder: Path, into: Path) -> None:
    """Link the headers of Vulkan and SPIR-V from `into`: the system's others are not for another target."""
    (into / "include").mkdir()
    for name in ("vulkan", "vk_video"):
        (into / "include" / name).symlink_to(include / name)
    (into / "include" / "spirv").symlink_to(spirv_folder / "include" / "spirv")
    shutil.copytree(spirv_folder / SPIRV, into / SPIRV)


def host_compilers(compilers: Toolchain) -> str:
    """Return the file that tells CMake the compilers for this machine."""
    c, cxx = ('"' + ";".join(words) + '"' for words in (compilers.c, compilers.cxx))
    return f"set(CMAKE_C_COMPILER {c})\nset(CMAKE_CXX_COMPILER {cxx})\n"


def _compilers_of_this_machine() -> Toolchain:
    found = find_toolchain()
    return with_commands(found, ensure_environment(["build", *found.needs]))
