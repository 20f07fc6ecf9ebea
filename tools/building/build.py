"""One build of a wheel: its inputs, its environment, and the build itself."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.compilers.compiler_cache import compiler_cache
from tools.compilers.toolchain import Toolchain
from tools.compilers.toolchains import with_commands
from tools.errors import ToolError
from tools.matrix import Cell, load_matrix
from tools.paths import BUILD, REQUIREMENTS, cache_dir, package_folder
from tools.toolkits.toolkit import Elsewhere, Kit
from tools.util import stamps
from tools.util.cmd import run_logged
from tools.util.cpu_count import parallel_jobs
from tools.util.files import remove_tree
from tools.util.venv import Environment, ensure_environment
from tools.vendoring.source.manifest import MANIFEST

COLD_BUILD_MIB = 2560
LEVELS_VARIABLE = "LLAMAPACK_CPU_LEVELS"
FLAGS_VARIABLE = "LLAMAPACK_CPU_FLAGS"
LINKER_VARIABLE = "LLAMAPACK_LINKER"
CUSTOM = "custom"
"""The level that has these flags."""
_TAKEN_APART = '";\\={}:'


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build of a wheel: its folders, and all of its inputs."""

    backend: str
    target: str
    toolchain: Toolchain
    kit: Kit
    """What the backend is compiled with beside the compiler."""

    @property
    def id(self) -> str:
        """The name of its cell in the matrix."""
        return Cell(backend=self.backend, target=self.target).id

    @property
    def package(self) -> Path:
        """The folder of the package that is built."""
        return package_folder(self.backend)

    @property
    def what(self) -> str:
        """The name of the build in messages."""
        return f"The {'core' if self.backend == 'cpu' else self.backend} wheel ({self.id})"

    @property
    def folder(self) -> Path:
        """CMake's build folder, kept between runs; builds with zig have one of their own."""
        return BUILD / (f"{self.id}-zig" if self.toolchain.is_zig else self.id)

    @property
    def synced(self) -> Path:
        """The package's copy of llama.cpp."""
        return self.package / "native" / "llama.cpp"

    @property
    def stamp(self) -> Path:
        """The file that records the inputs of the wheel in dist/."""
        return self.folder.with_name(f"{self.folder.name}.json")

    @property
    def lock(self) -> Path:
        """The lock to hold while `folder` or `stamp` are changed."""
        return self.folder.with_name(f"{self.folder.name}.lock")

    @property
    def log_file(self) -> Path:
        """The output of CMake and the compilers."""
        return self.folder.with_name(f"{self.folder.name}.log")

    @property
    def tag(self) -> str:
        """The platform tag of the wheel; empty for a wheel that is only for this machine.

        Only zig links for the oldest systems that the matrix names.
        """
        return load_matrix().wheel_tag(self.target) if (self.kit.linker or self.toolchain).is_zig else ""

    def inputs(self) -> dict[str, str]:
        """Return a digest for each kind of input; for llama.cpp's source, that of its manifest."""
        package, native = self.package, self.package / "native"
        metadata = [package / name for name in ("pyproject.toml", "README.md", "LICENSE")]
        return {
            "llama.cpp's source": stamps.file_digest(self.synced / MANIFEST),
            "native sources": stamps.tree_digest(package, _files(native, without=self.synced)),
            "Python sources": stamps.tree_digest(package, _files(package / "src")),
            "package metadata": stamps.tree_digest(package, metadata),
            "build tools": stamps.file_digest(REQUIREMENTS / "build.txt"),
            "compiler": self.toolchain.identity,
            **({"linker": self.kit.linker.identity} if self.kit.linker else {}),
            **self.kit.inputs,
        }


@dataclass(frozen=True, kw_only=True)
class BuildEnvironment:
    """The environment of a build: a virtual environment with CMake, variables, and CMake definitions."""

    venv: Environment
    settings: Mapping[str, str]
    """Environment variables that the build adds to those of this process; its only ones if it runs elsewhere."""
    defines: Mapping[str, str]
    elsewhere: Elsewhere | None = None

    @property
    def variables(self) -> dict[str, str]:
        """All variables of a build that runs on this machine."""
        return {**os.environ, **self.settings}

    def python(self, arguments: Sequence[str], folder: Path) -> list[str]:
        """Return the command that runs Python in `folder`, with the environment's packages and `arguments`."""
        if self.elsewhere is None:
            return [str(self.venv.python), *arguments]
        programs, packages = self.venv.programs, self.venv.packages  # Ninja; CMake and the build backend
        settings = {**self.settings, "PATH": f"{self.elsewhere.path}:{programs}", "PYTHONPATH": str(packages)}
        return self.elsewhere.command([self.elsewhere.python, *arguments], settings, folder)


def build_environment(build: Build) -> BuildEnvironment:
    """Return the environment of `build`, after installing tools and choosing compilers and a compiler cache."""
    require_plain_paths(build.package, build.folder, cache_dir())
    linker, elsewhere = build.kit.linker, build.kit.elsewhere
    venv = ensure_environment(["build", *build.toolchain.needs, *(linker.needs if linker else ())])
    toolchain = with_commands(build.toolchain, venv)
    cache = compiler_cache(toolchain, venv, portable=elsewhere is not None)
    settings = {**toolchain.flags, **cache.variables, "CMAKE_BUILD_PARALLEL_LEVEL": str(parallel_jobs())}
    if build.tag:
        settings["_PYTHON_HOST_PLATFORM"] = build.tag  # the variable that scikit-build-core reads
    if toolchain.c:
        settings |= {"CC": shlex.join(toolchain.c), "CXX": shlex.join(toolchain.cxx)}
    defines = {**toolchain.defines, **cache.defines(build.kit.languages), **build.kit.defines}
    if linker:
        defines[LINKER_VARIABLE] = with_commands(linker, venv).c[0]
    settings |= build.kit.variables
    return BuildEnvironment(venv=venv, settings=settings, defines=defines, elsewhere=elsewhere)


def make_wheel(build: Build, environment: BuildEnvironment, *, package: Path, folder: Path, out: Path) -> Path:
    """Build `package` with CMake's build folder `folder`, and return the path of the wheel, which is in `out`."""
    require_plain_paths(package, folder, out)
    settings = [f"cmake.define.{name}={value}" for name, value in environment.defines.items()]
    settings.append(f"build-dir={folder}")
    arguments = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    arguments += [f"--config-setting={setting}" for setting in settings]
    run_logged(
        environment.python([*arguments, str(package)], package),
        log_file=build.log_file,
        what=f"{build.what} could not be built",
        fix="Fix it and run the same command again: what was compiled is kept.",
        cwd=package,
        env=environment.variables,
    )
    return next(out.glob("*.whl"))


def require_plain_paths(*paths: Path) -> None:
    """Raise ToolError for a path that the tools of a build would take apart, long after it began and without a word."""
    for path in paths:
        if found := [letter for letter in _TAKEN_APART if any(letter in part for part in path.absolute().parts[1:])]:
            raise ToolError(
                f"{path} cannot be built in: its path has the character {' and '.join(found)}.",
                why="CMake's lists, scikit-build-core's settings and search paths are made with these characters.",
                fix=f"Have the checkout and LLAMAPACK_CACHE_DIR in folders without any of {' '.join(_TAKEN_APART)}",
            )


def forget_another_compiler(toolchain: Toolchain, folder: Path) -> bool:
    """Empty CMake's build folder if it was used with another compiler; return True if it was emptied.

    CMake cannot change the compiler of a build folder, and would keep objects that were compiled with the same
    arguments.
    """
    stamp, key = folder / "llamapack-compiler.json", {"compiler": toolchain.identity}
    if not stamps.changed(stamp, key):
        return False
    remove_tree(folder)
    folder.mkdir(parents=True)
    stamps.write(stamp, key)
    return True


def _files(folder: Path, without: Path | None = None) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and Path(parent, name) != without]
        yield from (Path(parent, name) for name in names)
