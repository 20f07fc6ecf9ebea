"""Build a wheel, core or plug-in, for this host or another target, or return the one built from the same inputs."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools.bindgen.freshness import require_current_bindings
from tools.compilers.compiler_cache import compiler_cache
from tools.compilers.toolchains import Toolchain, find_toolchain, with_commands, zig_toolchain
from tools.errors import LackingError
from tools.matrix import host_target, load_matrix
from tools.paths import BUILD, DIST, HERE, REQUIREMENTS, package_folder
from tools.toolkits.cuda import cuda_kit
from tools.toolkits.metal import metal_kit
from tools.toolkits.rocm import rocm_kit
from tools.toolkits.toolkit import Elsewhere, Kit
from tools.toolkits.vulkan import vulkan_kit
from tools.util import stamps
from tools.util.cmd import run_logged
from tools.util.cpu_count import parallel_jobs
from tools.util.disk import require_space
from tools.util.files import locked, remove_tree
from tools.util.live import Say, quiet
from tools.util.venv import Environment, ensure_environment
from tools.vendoring.ensure import ensure_source

COLD_BUILD_MIB = 2560
LEVELS_VARIABLE = "LLAMAPACK_CPU_LEVELS"
FLAGS_VARIABLE = "LLAMAPACK_CPU_FLAGS"
CUSTOM = "custom"
"""The level that has these flags."""

Kits = Mapping[str, Callable[[Say], Kit]]


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build of a wheel: where it happens and all that it is made from."""

    backend: str
    target: str
    toolchain: Toolchain
    kit: Kit
    """What the backend is compiled with beside the compiler."""

    @property
    def id(self) -> str:
        """Its name in the matrix."""
        return f"{self.backend}-{self.target}"

    @property
    def package(self) -> Path:
        """The folder of the package that is built."""
        return package_folder(self.backend)

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"The {'core' if self.backend == 'cpu' else self.backend} wheel ({self.id})"

    @property
    def folder(self) -> Path:
        """CMake's build folder, kept between runs; zig's is another one, so that both compilers may take turns."""
        return BUILD / (f"{self.id}-zig" if self.toolchain.is_zig else self.id)

    @property
    def stamp(self) -> Path:
        """What the wheel in dist/ was made from."""
        return self.folder.with_name(f"{self.folder.name}.json")

    @property
    def lock(self) -> Path:
        """Held by whoever changes `folder` or `stamp`."""
        return self.folder.with_name(f"{self.folder.name}.lock")

    @property
    def log(self) -> Path:
        """What CMake and the compilers say."""
        return self.folder.with_name(f"{self.folder.name}.log")

    @property
    def tag(self) -> str:
        """The platform that the wheel's name states; empty where it is this machine's own, and promises no more.

        Only zig compiles for the floors that the matrix states.
        """
        return load_matrix().wheel_tag(self.target) if self.toolchain.is_zig else ""

    def inputs(self) -> dict[str, str]:
        """Return a digest for each kind of input; llama.cpp's source stands by its manifest."""
        package, native = self.package, self.package / "native"
        synced = native / "llama.cpp"
        metadata = [package / name for name in ("pyproject.toml", "README.md", "LICENSE")]
        return {
            "llama.cpp's source": stamps.file_digest(synced / "llamapack-manifest.json"),
            "native sources": stamps.tree_digest(package, _files(native, without=synced)),
            "Python sources": stamps.tree_digest(package, _files(package / "src")),
            "package metadata": stamps.tree_digest(package, metadata),
            "build tools": stamps.file_digest(REQUIREMENTS / "build.txt"),
            "compiler": self.toolchain.identity,
            **self.kit.inputs,
        }


def cpu_kit(say: Say = quiet) -> Kit:
    """Return the CPU levels that are wanted: all, or those that a developer names."""
    return Kit(inputs={"CPU levels": os.environ.get(LEVELS_VARIABLE) or "all"})


KITS: Kits = {"cpu": cpu_kit, "vulkan": vulkan_kit, "cuda": cuda_kit, "rocm": rocm_kit, "metal": metal_kit}
"""The backends whose wheels are built here, each with what it is compiled with."""
COSTLY = frozenset({"cuda", "rocm"})
"""The backends whose wheels are not built by the way, but by their own sessions only."""


def kit(backend: str, say: Say = quiet, make: Callable[[Say], Kit] | None = None) -> Kit:
    """Return what `backend` is compiled with, the processor's flags that a developer names among it."""
    found = (make or KITS[backend])(say)
    levels, flags = os.environ.get(LEVELS_VARIABLE) or "all", os.environ.get(FLAGS_VARIABLE, "")
    inputs = {**found.inputs, **({"flags for the processor": flags} if flags else {})}
    return replace(found, inputs=inputs, defines={**found.defines, LEVELS_VARIABLE: levels, FLAGS_VARIABLE: flags})


def host_build(backend: str = "cpu", say: Say = quiet, make: Callable[[Say], Kit] | None = None) -> Build:
    """Return the build of a backend's wheel for this machine; needs the source in place. `make` replaces its kit."""
    found = kit(backend, say, make)
    return Build(backend=backend, target=host_target(), toolchain=found.toolchain or find_toolchain(), kit=found)


def portable_build(backend: str, target: str, say: Say = quiet) -> Build:
    """Return the build with zig, for any target of the matrix and with its floors; needs the source in place."""
    return Build(backend=backend, target=target, toolchain=zig_toolchain(target), kit=kit(backend, say))


def core_wheel(say: Say = quiet) -> Path:
    """Return this host's core wheel, as `host_wheel` does."""
    return host_wheel("cpu", say)


def host_wheel(backend: str, say: Say = quiet, *, kit: Callable[[Say], Kit] | None = None) -> Path:
    """Return this host's wheel of `backend` in dist/, by the first compiler that works here, with `kit` or its own."""
    return _ensured(lambda: host_build(backend, say, kit), say)


def portable_wheel(backend: str, target: str, say: Say = quiet) -> Path:
    """Return the wheel of `backend` for `target` in dist/, by zig: for other targets, and for older systems."""
    return _ensured(lambda: portable_build(backend, target, say), say)


def wheel_for(backend: str, target: str, say: Say = quiet) -> Path:
    """Return the wheel of `backend` for `target` in dist/: this host's own, or a portable one of another target."""
    return host_wheel(backend, say) if target == host_target() else portable_wheel(backend, target, say)


def _ensured(chosen: Callable[[], Build], say: Say) -> Path:
    """Return the wheel of a build in dist/, built only where an input has changed since.

    The source is fetched where there is none. A failed build leaves the wheel before it as it was, and the objects
    that were compiled for the next try.
    """
    ensure_source(say=say)
    require_current_bindings(HERE)
    build = chosen()
    with locked(build.lock):
        inputs = build.inputs()
        if different := _different(build, inputs):
            _tell(build, different, say)
            wheel = _build(build, say)
            stamps.write(build.stamp, inputs | {"wheel": wheel.name, "wheel file": stamps.file_digest(wheel)})
        return DIST / stamps.read(build.stamp)["wheel"]


def plugin_wheels(say: Say = quiet) -> dict[str, dict[str, str]]:
    """Build the wheel of every plug-in, and return by backend its path (`wheel`) or why there is none (`lacking`)."""
    found = {}
    for backend in KITS:
        if backend in COSTLY:
            found[backend] = {"lacking": f"it compiles for an hour: nox -s test-{backend} builds it and looks into it"}
        elif backend != "cpu":
            try:
                found[backend] = {"wheel": str(host_wheel(backend, say))}
            except LackingError as error:
                found[backend] = {"lacking": " ".join(str(error).splitlines())}
    return found


def _tell(build: Build, different: tuple[str, ...], say: Say) -> None:
    reason = f"Changed: {', '.join(different)}" if build.stamp.exists() else "It was not built here before."
    say(f"Building {build.what[0].lower()}{build.what[1:]}. {reason}")
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
    settings: Mapping[str, str]
    """The variables that the build adds to those of this process, or has alone where it runs elsewhere."""
    defines: Mapping[str, str]
    elsewhere: Elsewhere | None = None

    @property
    def variables(self) -> dict[str, str]:
        """All variables of a build that runs on this machine."""
        return {**os.environ, **self.settings}

    def python(self, words: Sequence[str], folder: Path) -> list[str]:
        """Return the command line that runs Python with the environment's packages and `words` in `folder`."""
        if self.elsewhere is None:
            return [str(self.environment.python), *words]
        programs, packages = self.environment.programs, self.environment.packages  # Ninja; CMake and what calls it
        settings = {**self.settings, "PATH": f"{self.elsewhere.path}:{programs}", "PYTHONPATH": str(packages)}
        return self.elsewhere.command([self.elsewhere.python, *words], settings, folder)


def workshop(build: Build, say: Say = quiet) -> Workshop:
    """Return what `build` needs to run CMake: tools installed, compilers chosen, compiler cache on."""
    environment, elsewhere = ensure_environment(["build", *build.toolchain.needs], say=say), build.kit.elsewhere
    toolchain = with_commands(build.toolchain, environment)
    cache = compiler_cache(toolchain, environment, say, portable=elsewhere is not None)
    settings = {**toolchain.flags, **cache.variables, "CMAKE_BUILD_PARALLEL_LEVEL": str(parallel_jobs())}
    if build.tag:
        settings["_PYTHON_HOST_PLATFORM"] = build.tag  # scikit-build-core's word for it
    if toolchain.c:
        settings |= {"CC": shlex.join(toolchain.c), "CXX": shlex.join(toolchain.cxx)}
    defines = {**toolchain.defines, **cache.defines(build.kit.languages), **build.kit.defines}
    settings |= build.kit.variables
    return Workshop(environment=environment, settings=settings, defines=defines, elsewhere=elsewhere)


def _build(build: Build, say: Say) -> Path:
    if forget_another_compiler(build.toolchain, build.folder):
        build.stamp.unlink(missing_ok=True)  # what it says of the folder is no longer so
    compiled = (build.folder / "build.ninja").exists()
    require_space(BUILD, 512 if compiled else COLD_BUILD_MIB, purpose="the build")
    DIST.mkdir(exist_ok=True)
    shop = workshop(build, say)
    with tempfile.TemporaryDirectory(prefix="wheel-", dir=DIST) as out:
        made = make_wheel(build, shop, package=build.package, folder=build.folder, out=Path(out))
        return made.replace(DIST / made.name)


def make_wheel(build: Build, shop: Workshop, *, package: Path, folder: Path, out: Path) -> Path:
    """Build the package in `package` with CMake's build folder `folder`; return the wheel, which lies in `out`."""
    settings = [f"cmake.define.{name}={value}" for name, value in shop.defines.items()]
    settings.append(f"build-dir={folder}")
    words = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    words += [f"--config-setting={setting}" for setting in settings]
    run_logged(
        shop.python([*words, str(package)], package),
        log=build.log,
        what=f"{build.what} could not be built",
        fix="Run the same command again after mending it: what was compiled is kept.",
        cwd=package,
        env=shop.variables,
    )
    return next(out.glob("*.whl"))


def forget_another_compiler(toolchain: Toolchain, folder: Path) -> bool:
    """Empty CMake's build folder where another compiler filled it, note this one, and tell whether that was so.

    CMake cannot change the compiler, and keeps what was compiled with the same words.
    """
    stamp, key = folder / "llamapack-compiler.json", {"compiler": toolchain.identity}
    if not stamps.changed(stamp, key):
        return False
    remove_tree(folder)
    folder.mkdir(parents=True)
    stamps.write(stamp, key)
    return True
