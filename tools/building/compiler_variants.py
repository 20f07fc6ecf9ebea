"""Build CPU levels with several compilers and options, for `nox -s bench-compilers`."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools.building.build import LEVELS_VARIABLE, Build, build_environment
from tools.compilers.toolchain import Toolchain
from tools.compilers.toolchains import FLAG_VARIABLES, find_toolchain, zig_toolchain
from tools.errors import UnavailableError
from tools.matrix import Cell, Matrix, host_target, load_matrix
from tools.paths import BUILD, CORE
from tools.platforms import apt
from tools.platforms.host import Way, skip_reason, this_host, ways
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.atomic_files import write_text
from tools.util.cmd import run_logged
from tools.util.disk import require_space

log = logging.getLogger(f"llamapack.{__name__}")

FOLDER = BUILD / "compilers"
LEVELS = ("haswell", "zen4", "sapphirerapids")
"""AVX2, AVX-512 and AMX."""
SPARE = ("sse42", "sandybridge", "skylakex")
"""Levels to take instead if the processor does not run all three; any with AVX2 runs two of these."""
SWITCHES = {"lto": "LLAMAPACK_LTO", "openmp": "LLAMAPACK_OPENMP"}


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """A compiler to compare. Without a command, it is zig from PyPI."""

    name: str
    c: str = ""
    cxx: str = ""
    packages: tuple[str, ...] = ()
    """Debian's packages for it."""
    flags: tuple[tuple[str, str], ...] = ()
    """Variables of the environment that it needs."""
    openmp: str = ""
    """Why it cannot have OpenMP; empty if it can."""


GCC = Compiler(name="gcc-12", c="gcc-12", cxx="g++-12", packages=("g++-12",))
CLANG = Compiler(
    name="clang-19",
    c="clang-19",
    cxx="clang++-19",
    packages=("clang-19", "lld-19", "libomp-19-dev"),
    flags=(("LDFLAGS", "-fuse-ld=lld-19"),),  # binutils' linker does not support clang's LTO objects
)
ZIG = Compiler(name="zig", openmp="zig brings neither omp.h nor a runtime of OpenMP")
COMPILERS = (GCC, CLANG, ZIG)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to compile the levels."""

    compiler: Compiler
    switches: tuple[str, ...] = ()
    """Those of SWITCHES that are on."""

    @property
    def id(self) -> str:
        """The name of the variant in tables, such as gcc-12+lto+openmp."""
        return "+".join((self.compiler.name, *self.switches))

    @property
    def folder(self) -> Path:
        """CMake's build folder, kept between runs."""
        return FOLDER / self.id


def variants() -> Iterator[Variant]:
    """Yield every available combination of compiler and options, the plain ones first."""
    for switches in ((), ("lto",), ("openmp",), ("lto", "openmp")):
        for compiler in COMPILERS:
            if not (compiler.openmp and "openmp" in switches):
                yield Variant(compiler=compiler, switches=switches)


def build_all() -> Path:
    """Build every variant of LEVELS that this machine can run; return a file with the paths of their modules.

    The file maps variants and levels to paths. A compiler that is not available is skipped, which is logged.
    """
    levels, found = levels_here(), {}
    for variant in variants():
        try:
            found[variant.id] = build_levels(variant, levels)
        except UnavailableError as error:
            log.warning(f"{variant.id} is left out: {' '.join(str(error).splitlines())}")
    modules = {name: {level: str(path) for level, path in built.items()} for name, built in found.items()}
    write_text(file := FOLDER / "modules.json", json.dumps(modules, indent=2) + "\n")
    return file


def openmp_level() -> Path:
    """Build the best level of LEVELS that this processor runs with gcc and OpenMP; return its module."""
    level = levels_here()[0]
    return build_levels(Variant(compiler=GCC, switches=("openmp",)), (level,))[level]


def levels_here() -> tuple[str, ...]:
    """Return those of LEVELS that this processor can run, supplemented from SPARE.

    Raises UnavailableError if there are none.
    """
    matrix, host = load_matrix(), this_host()
    if host.target != "linux-x86_64":
        raise UnavailableError(f"Compilers are compared on linux-x86_64, and this machine is {host.target}.")
    reasons = {level: skip_reason(matrix, host, *_natively(matrix, level)) for level in (*LEVELS, *SPARE)}
    if not (levels := tuple(level for level, reason in reasons.items() if not reason)[: len(LEVELS)]):
        why = f"{LEVELS[0]}: {reasons[LEVELS[0]]}."
        raise UnavailableError("This processor runs none of the compared levels.", why=why)
    return levels


def _natively(matrix: Matrix, level: str) -> tuple[Cell, Way]:
    cell = Cell(backend="cpu", target="linux-x86_64", level=level)
    return cell, ways(matrix, cell, cell.target)[0]


def build_levels(variant: Variant, levels: Sequence[str]) -> dict[str, Path]:
    """Return the module of each of `levels`, compiled with `variant`; llama.cpp's source must be synced.

    Raises UnavailableError if the compiler is missing and cannot be installed.
    """
    toolchain = find(variant.compiler)
    defines = {name: "ON" if switch in variant.switches else "OFF" for switch, name in SWITCHES.items()}
    kit = Kit(inputs={}, defines={LEVELS_VARIABLE: ",".join(levels), **defines})
    build = Build(backend="cpu", target=host_target(), toolchain=toolchain, kit=kit)
    modules = {level: variant.folder / "bin" / f"libggml-cpu-{level}.so" for level in levels}
    stamp, key = variant.folder / "llamapack-stamp.json", {**build.inputs(), **kit.defines}
    if stamps.changed(stamp, key) or not all(module.exists() for module in modules.values()):
        log.info(f"Building {', '.join(levels)} with {variant.id}: {toolchain.description}")
        _build(variant, build, levels)
        stamps.write(stamp, key)
    return modules


def find(compiler: Compiler) -> Toolchain:
    """Return `compiler` as a toolchain; on Debian, as root, it is installed if it is missing."""
    if not compiler.c:
        return zig_toolchain(host_target(), {})
    if not shutil.which(compiler.cxx):
        if not apt.is_here():
            raise UnavailableError(f"{compiler.cxx} is not on PATH.", fix="Install it to have it compared.")
        apt.require(compiler.packages, purpose=f"comparing {compiler.name}")
    variables = {"PATH": os.environ.get("PATH", os.defpath), "CC": compiler.c, "CXX": compiler.cxx}
    return replace(find_toolchain(variables), flags=dict(compiler.flags))


def _build(variant: Variant, build: Build, levels: Sequence[str]) -> None:
    require_space(FOLDER, 512, purpose=f"building with {variant.id}")
    shutil.rmtree(variant.folder, ignore_errors=True)
    environment = build_environment(build)
    cmake = [str(environment.venv.python), "-m", "cmake"]
    settings = {**environment.defines, "CMAKE_BUILD_TYPE": "Release"}
    configure = ["-G", "Ninja", "-S", str(CORE / "native"), "-B", str(variant.folder)]
    configure += [f"-D{name}={value}" for name, value in settings.items()]
    what, log_file = f"{variant.id} could not be built", FOLDER / f"{variant.id}.log"
    env = {name: value for name, value in environment.variables.items() if name not in FLAG_VARIABLES}
    env |= build.toolchain.flags
    run_logged([*cmake, *configure], log_file=log_file, what=what, env=env)
    targets = [f"ggml-cpu-{level}" for level in levels]
    run_logged([*cmake, "--build", str(variant.folder), "--target", *targets], log_file=log_file, what=what, env=env)
