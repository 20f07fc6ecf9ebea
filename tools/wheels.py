"""Build the core wheel of this host, or return the one that was built from the same inputs."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import stamps
from tools.bindings import require_current_bindings
from tools.checkout import Checkout
from tools.compiler_cache import compiler_cache
from tools.disk import require_space
from tools.environments import REQUIREMENTS, Environment, ensure_environment
from tools.files import locked
from tools.jobs import parallel_jobs
from tools.live import Say, quiet, run_logged
from tools.matrix import host_target
from tools.paths import CORE, ROOT, SYNCED
from tools.toolchains import Toolchain, find_toolchain, with_commands
from tools.vendoring import ensure_source

DIST = ROOT / "dist"
MANIFEST = SYNCED / "llamapack-manifest.json"
COLD_BUILD_MIB = 2560
LEVELS_VARIABLE = "LLAMAPACK_CPU_LEVELS"


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build of the core wheel: where it happens and all that it is made from."""

    id: str
    toolchain: Toolchain
    levels: str

    @property
    def folder(self) -> Path:
        """CMake's build folder, kept between runs."""
        return ROOT / "build" / self.id

    @property
    def stamp(self) -> Path:
        """What the wheel in dist/ was made from."""
        return ROOT / "build" / f"{self.id}.json"

    @property
    def lock(self) -> Path:
        """Held by whoever changes `folder` or `stamp`."""
        return ROOT / "build" / f"{self.id}.lock"

    def inputs(self) -> dict[str, str]:
        """Return a digest for each kind of input; llama.cpp's source stands by its manifest."""
        metadata = [CORE / name for name in ("pyproject.toml", "README.md", "LICENSE")]
        return {
            "llama.cpp's source": stamps.file_digest(MANIFEST),
            "native sources": stamps.tree_digest(CORE, _files(CORE / "native", without=SYNCED)),
            "Python sources": stamps.tree_digest(CORE, _files(CORE / "src")),
            "package metadata": stamps.tree_digest(CORE, metadata),
            "build tools": stamps.file_digest(REQUIREMENTS / "build.txt"),
            "compiler": self.toolchain.identity,
            "CPU levels": self.levels,
        }


def host_build() -> Build:
    """Return the build of the core wheel for this machine; needs the source in place."""
    levels = os.environ.get(LEVELS_VARIABLE) or "all"
    return Build(id=f"cpu-{host_target()}", toolchain=find_toolchain(), levels=levels)


def core_wheel(say: Say = quiet) -> Path:
    """Return this host's core wheel in dist/, built only where an input has changed since.

    The source is fetched where there is none. A failed build leaves the wheel before it as it was, and the objects
    that were compiled for the next try.
    """
    ensure_source(say=say)
    require_current_bindings(Checkout(root=ROOT))
    build = host_build()
    with locked(build.lock):
        inputs = build.inputs()
        if different := _different(build, inputs):
            _tell(build, different, say)
            wheel = _build(build, say)
            stamps.write(build.stamp, inputs | {"wheel": wheel.name, "wheel file": stamps.file_digest(wheel)})
        return DIST / stamps.read(build.stamp)["wheel"]


def _tell(build: Build, different: tuple[str, ...], say: Say) -> None:
    reason = f"Changed: {', '.join(different)}" if build.stamp.exists() else "It was not built here before."
    say(f"Building the core wheel ({build.id}). {reason}")
    if build.toolchain.note:
        say(build.toolchain.note)


def _different(build: Build, inputs: Mapping[str, str]) -> tuple[str, ...]:
    """Return the inputs that differ from those of the wheel in dist/; a missing or altered wheel counts as one."""
    known = stamps.read(build.stamp)
    wheel = DIST / known.get("wheel", "none")
    made = {"wheel": wheel.name, "wheel file": stamps.file_digest(wheel) if wheel.is_file() else "missing"}
    return stamps.changed(build.stamp, {**inputs, **made})


def _files(folder: Path, without: Path | None = None) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and Path(parent, name) != without]
        yield from (Path(parent, name) for name in names)


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What a build runs with: the environment with CMake, its variables and its CMake definitions."""

    environment: Environment
    variables: Mapping[str, str]
    defines: Mapping[str, str]


@contextmanager
def workshop(build: Build, say: Say = quiet) -> Iterator[Workshop]:
    """Give what `build` needs to run CMake: tools installed, compilers chosen, compiler cache on."""
    environment = ensure_environment(["build", *build.toolchain.needs], say=say)
    toolchain = with_commands(build.toolchain, environment, ROOT / "build" / "zig")
    with compiler_cache(toolchain, environment, say) as cache:
        variables = {**os.environ, **cache.variables, "CMAKE_BUILD_PARALLEL_LEVEL": str(parallel_jobs())}
        if toolchain.c:
            variables |= {"CC": shlex.join(toolchain.c), "CXX": shlex.join(toolchain.cxx)}
        defines = {**toolchain.defines, **cache.defines, LEVELS_VARIABLE: build.levels}
        yield Workshop(environment=environment, variables=variables, defines=defines)


def _build(build: Build, say: Say) -> Path:
    compiled = (build.folder / "build.ninja").exists()
    require_space(ROOT / "build", 512 if compiled else COLD_BUILD_MIB, purpose="the build")
    DIST.mkdir(exist_ok=True)
    with workshop(build, say) as shop, tempfile.TemporaryDirectory(prefix="wheel-", dir=DIST) as out:
        settings = [f"cmake.define.{name}={value}" for name, value in shop.defines.items()]
        settings.append(f"build-dir={build.folder}")
        _forget_another_compiler(build)
        run_logged(
            [str(shop.environment.python), "-m", "build", "--wheel", "--no-isolation", "--outdir", out]
            + [f"--config-setting={setting}" for setting in settings]
            + [str(CORE)],
            log=ROOT / "build" / f"{build.id}.log",
            what=f"The core wheel ({build.id}) could not be built",
            fix="Run the same command again after mending it: what was compiled is kept.",
            cwd=CORE,
            env=shop.variables,
        )
        made = next(Path(out).glob("*.whl"))
        return made.replace(DIST / made.name)


def _forget_another_compiler(build: Build) -> None:
    """Drop CMake's cache where it is of another compiler, which CMake cannot change in place; note this one."""
    stamp, key = build.folder / "llamapack-compiler.json", {"compiler": build.toolchain.identity}
    if stamps.changed(stamp, key):
        (build.folder / "CMakeCache.txt").unlink(missing_ok=True)
        shutil.rmtree(build.folder / "CMakeFiles", ignore_errors=True)
        stamps.write(stamp, key)
