"""Build a wheel for this host or another target, or reuse the one built from the same inputs."""

from __future__ import annotations

import json
import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tools.bindgen.freshness import require_current_bindings
from tools.building.build import (
    COLD_BUILD_MIB,
    FLAGS_VARIABLE,
    LEVELS_VARIABLE,
    Build,
    build_environment,
    forget_another_compiler,
    make_wheel,
)
from tools.building.page import ensure_page
from tools.compilers.toolchains import find_toolchain, zig_toolchain
from tools.errors import ToolError, UnavailableError
from tools.matrix import host_target
from tools.paths import BUILD, DIST, HERE
from tools.toolkits.cuda import cuda_kit
from tools.toolkits.metal import metal_kit
from tools.toolkits.rocm import rocm_kit
from tools.toolkits.toolkit import Kit
from tools.toolkits.vulkan import vulkan_kit
from tools.util import stamps
from tools.util.disk import require_space
from tools.util.files import locked
from tools.util.scratch import temporary_folder
from tools.vendoring.source.manifest import require_manifest

log = logging.getLogger(f"llamapack.{__name__}")

Kits = Mapping[str, Callable[[str], Kit]]


def cpu_kit(target: str) -> Kit:
    """Return the kit of the core: all CPU levels, or those named in LLAMAPACK_CPU_LEVELS."""
    return Kit(inputs={"CPU levels": os.environ.get(LEVELS_VARIABLE) or "all"})


KITS: Kits = {"cpu": cpu_kit, "vulkan": vulkan_kit, "cuda": cuda_kit, "rocm": rocm_kit, "metal": metal_kit}
"""The backends whose wheels are built here, and for each the function that makes its kit for a target."""
COSTLY = frozenset({"cuda", "rocm"})
"""The backends whose wheels are not built by the way, but by their own sessions only."""


def kit(backend: str, target: str, make: Callable[[], Kit] | None = None) -> Kit:
    """Return the kit to compile `backend` with for `target`, including the CPU flags named in LLAMAPACK_CPU_FLAGS."""
    found = make() if make else KITS[backend](target)
    levels, flags = os.environ.get(LEVELS_VARIABLE) or "all", os.environ.get(FLAGS_VARIABLE, "")
    inputs = {**found.inputs, **({"flags for the processor": flags} if flags else {})}
    return replace(found, inputs=inputs, defines={**found.defines, LEVELS_VARIABLE: levels, FLAGS_VARIABLE: flags})


def host_build(backend: str = "cpu", make: Callable[[], Kit] | None = None) -> Build:
    """Return the build of a backend's wheel for this machine; llama.cpp's source must be synced.

    `make` makes the kit to use instead of the backend's own.
    """
    found = kit(backend, host_target(), make)
    return Build(backend=backend, target=host_target(), toolchain=found.toolchain or find_toolchain(), kit=found)


def portable_build(backend: str, target: str) -> Build:
    """Return the build with zig, or the kit's own compilers, for any target of the matrix and its oldest system.

    llama.cpp's source must be synced.
    """
    found = kit(backend, target)
    return Build(backend=backend, target=target, toolchain=found.toolchain or zig_toolchain(target), kit=found)


def core_wheel() -> Path:
    """Return this host's core wheel, as `host_wheel` does."""
    return host_wheel("cpu")


def host_wheel(backend: str, *, kit: Callable[[], Kit] | None = None) -> Path:
    """Return this host's wheel of `backend` in dist/, from the first working compiler and `kit` or its own."""
    return _ensured(lambda: host_build(backend, kit))


def portable_wheel(backend: str, target: str) -> Path:
    """Return the wheel of `backend` for `target` in dist/, built with zig: for other targets and older systems."""
    return _ensured(lambda: portable_build(backend, target))


def wheel_for(backend: str, target: str) -> Path:
    """Return the wheel of `backend` for `target` in dist/: this host's own, or a portable one for another target."""
    return host_wheel(backend) if target == host_target() else portable_wheel(backend, target)


def _ensured(chosen: Callable[[], Build]) -> Path:
    """Return the wheel of a build in dist/; it is built only if an input has changed.

    llama.cpp's source must be in place. If a build fails, the previous wheel stays, and so do the compiled
    objects for the next attempt.
    """
    require_current_bindings(HERE)
    build = chosen()
    require_manifest(build.synced)
    if build.backend == "cpu":
        ensure_page()
    with locked(build.lock):
        inputs = build.inputs()
        if different := _different(build, inputs):
            _tell(build, different)
            wheel = _build(build)
            stamps.write(build.stamp, inputs | {"wheel": wheel.name, "wheel file": stamps.file_digest(wheel)})
        wheel = DIST / stamps.read(build.stamp)["wheel"]
    if build.kit.note:
        log.warning(f"{wheel.name}: {build.kit.note}")
    return wheel


def plugin_wheels() -> dict[str, dict[str, str]]:
    """Build the wheel of every plug-in; return, by backend, its path (`wheel`) or why it is missing (`skip_reason`)."""
    found = {}
    for backend in KITS:
        if backend in COSTLY:
            found[backend] = {
                "skip_reason": f"it compiles for an hour: nox -s test-{backend} builds it and looks into it"
            }
        elif backend != "cpu":
            try:
                found[backend] = {"wheel": str(host_wheel(backend))}
            except UnavailableError as error:
                found[backend] = {"skip_reason": " ".join(str(error).splitlines())}
    return found


def _tell(build: Build, different: tuple[str, ...]) -> None:
    reason = f"Changed: {', '.join(different)}" if build.stamp.exists() else "It was not built here before."
    log.info(f"Building {build.what[0].lower()}{build.what[1:]}. {reason}")
    if build.toolchain.note:
        log.warning(build.toolchain.note)


def _different(build: Build, inputs: Mapping[str, str]) -> tuple[str, ...]:
    """Return the inputs that differ from those of the wheel in dist/; a missing or altered wheel counts as one."""
    known = stamps.read(build.stamp)
    wheel = DIST / known.get("wheel", "none")
    made = {"wheel": wheel.name, "wheel file": stamps.file_digest(wheel) if wheel.is_file() else "missing"}
    return stamps.changed(build.stamp, {**inputs, **made})


def _build(build: Build) -> Path:
    if forget_another_compiler(build.toolchain, build.folder):
        build.stamp.unlink(missing_ok=True)  # it no longer describes the folder
    compiled = (build.folder / "build.ninja").exists()
    require_space(BUILD, 512 if compiled else COLD_BUILD_MIB, purpose="the build")
    DIST.mkdir(exist_ok=True)
    environment = build_environment(build)
    with temporary_folder("wheel", DIST) as out:
        made = make_wheel(build, environment, package=build.package, folder=build.folder, out=out)
        return made.replace(DIST / made.name)


def found_wheels(folder: Path, backend: str) -> list[Path]:
    """Return the core's and the plug-in's wheel for this machine in `folder`; each must be there exactly once.

    Raises ToolError otherwise.
    """
    return [_found_wheel(folder, stem) for stem in ("llamapack", f"llamapack_{backend}")]


def _found_wheel(folder: Path, stem: str) -> Path:
    system, _, machine = host_target().partition("-")
    machines = {"x86_64": ("x86_64", "amd64"), "aarch64": ("aarch64",), "arm64": ("arm64",)}[machine]
    start = {"linux": ("linux", "manylinux"), "windows": ("win",), "macos": ("macosx",)}[system]
    fitting = [
        path
        for path in sorted(folder.glob(f"{stem}-*.whl"))
        if (tag := path.stem.rpartition("-")[2]).startswith(start) and tag.endswith(machines)
    ]
    if len(fitting) != 1:
        there = ", ".join(path.name for path in fitting) or "none"
        raise ToolError(
            f"{folder} must hold one wheel {stem}-*.whl for {host_target()}, and holds: {there}.",
            fix="Copy the wheel there that is to be tested, and no other one of that name.",
        )
    return fitting[0]


def compiled_for(wheel: Path) -> str:
    """Return the architectures of a plug-in's wheel by its description: 80, 90 (PTX); none for any device."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/lib/backend.json"))
        targets = json.loads(archive.read(name))["targets"]
    return ", ".join(target["name"] + (" (PTX)" if target["kind"] == "ptx" else "") for target in targets)
