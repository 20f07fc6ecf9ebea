"""Check a plug-in for another target than this machine: build and audit it, and run it where something here can.

The plug-in's tests run on a Python for that target: for Windows under Wine. A target that nothing here runs is audited,
and the rest is skipped with the reason.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import nox

from tools.building import wheels
from tools.compilers.toolchains import zig_commands
from tools.errors import ToolError
from tools.matrix import Cell, host_target, load_matrix
from tools.paths import BUILD, ROOT
from tools.platforms import distributions, wine
from tools.platforms.host import Method, Way, strongest_way, this_host
from tools.platforms.wine import windows_path
from tools.sessions.common import WHOLE, audit, given, pytest_words, run_pytest, skip_unless_here
from tools.toolkits import gpu_architectures
from tools.toolkits.rocm import windows as rocm_windows
from tools.util.venv import ensure_environment
from tools.verification import demo_model, results
from tools.verification.devices import (
    LAVAPIPE_PACKAGES,
    VULKAN_DRIVERS,
    WITHOUT_GPU,
    lavapipe_driver,
    lavapipe_variables,
)

OPTION = "--target"
CONTRACT = ROOT / "tests" / "devices" / "contract"


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """What a plug-in is run with."""

    cell: Cell
    core: Path
    plugin: Path
    model: Path
    way: Way


def checked(session: nox.Session, backend: str) -> bool:
    """Check the plug-in of `backend` for the target in `-- --target TARGET`; return False if that is this machine's.

    Other arguments go to pytest; `--record` records the result.
    """
    target = _take_target(session.posargs)
    if target in ("", host_target()):
        return False
    few = WITHOUT_GPU.get(backend)
    with gpu_architectures.unless_named(backend, few) if few else nullcontext():
        _check(session, load_matrix().cell(f"{backend}-{target}"))
    return True


def _take_target(arguments: list[str]) -> str:
    """Remove `--target TARGET` from `arguments`; return the target, or an empty string if it is not there."""
    if OPTION not in arguments:
        return ""
    place = arguments.index(OPTION)
    named = arguments[place + 1 : place + 2]
    if not named:
        raise ToolError(f"{OPTION} has no value.", fix=f"Use {OPTION} windows-x86_64, or another target of the matrix.")
    del arguments[place : place + 2]
    return load_matrix().target(named[0]).name


def _check(session: nox.Session, cell: Cell) -> None:
    skip_unless_here(session, cell)
    arguments, recording = results.begin(session.posargs)
    results.refuse_arguments(recording, arguments)
    plugin = wheels.wheel_for(cell.backend, cell.target)
    audit(session, plugin, *([WHOLE] if recording else []))
    way = strongest_way(load_matrix(), cell, this_host())
    if way.how is not Method.COMPILED:
        core = wheels.wheel_for("cpu", cell.target)
        model = demo_model.demo_model()
        parts = Artifacts(cell=cell, core=core, plugin=plugin, model=model, way=way)
        if tests := WITH_STAND_INS.get(cell.id):
            run_with_stand_ins(session, parts, tests)
        RUN[cell.target](session, parts, arguments)
    if recording:
        results.record(cell.id, recording.result(way.how, way.by, wheels.compiled_for(plugin)))
    if way.how is Method.COMPILED:
        session.skip(f"{plugin.name} is built and audited. Nothing on {host_target()} runs it.")


def run_under_wine(session: nox.Session, parts: Artifacts, arguments: Sequence[str]) -> None:
    """Run the plug-in's tests on a Python for Windows under Wine, with a display, which Wine's Vulkan asks for."""
    folder = BUILD / f"wine-{parts.cell.backend}"
    python = wine.ensure_wine_python(["wine", *RUNTIME.get(parts.cell.backend, ())], folder, (parts.core, parts.plugin))
    made = STAND_INS.get(parts.cell.id)
    told = {
        **_told(parts),
        **(made(folder / "stand-in") if made else {}),
        **python.variables,
        "LLAMAPACK_TEST_MODEL": windows_path(parts.model),
        "LLAMAPACK_CACHE_DIR": windows_path(folder / "cache"),
    }
    with wine.display() as shown:
        try:
            run_pytest(
                session,
                windows_path(CONTRACT),
                *("-rs", "-p", "no:cacheprovider", *arguments),
                env={**told, **shown},
                python=python.command,
                path=windows_path,
            )
        finally:
            python.stop()


def _stand_in_for_hip(folder: Path) -> dict[str, str]:
    """Make DLLs that stand in for AMD's, and return the variables by which the plug-in finds them."""
    return {"HIP_PATH": windows_path(rocm_windows.make_stand_ins(folder)), "LLAMAPACK_TEST_STAND_IN": "HIP_PATH"}


def run_with_stand_ins(session: nox.Session, parts: Artifacts, tests: Path) -> None:
    """Run tests that load the plug-in's library beside stand-ins for its vendor's, which they compile."""
    place = ensure_environment(["audit", "test"], folder=BUILD / "stand-ins")
    compilers = zig_commands(parts.cell.target)
    told = {
        "LLAMAPACK_TEST_CORE": str(parts.core),
        "LLAMAPACK_TEST_PLUGIN": str(parts.plugin),
        "LLAMAPACK_TEST_CC": shlex.join(compilers.c),
        "LLAMAPACK_TEST_CXX": shlex.join(compilers.cxx),
    }
    run_pytest(session, str(tests), "-rs", env=told, python=place.python)


def run_in_arm_root(session: nox.Session, parts: Artifacts, arguments: Sequence[str]) -> None:
    """Run the plug-in's tests in a Debian root for 64-bit Arm.

    An emulator takes many times as long as a processor, so only those of PARTS are run, unless `arguments` say more.
    The first use of the device, which compiles shaders for many minutes, has the time that it needs; they are kept.
    """
    backend = parts.cell.backend
    root = replace(distributions.ARM, packages=(*distributions.ARM.packages, *ARM_PACKAGES.get(backend, ())))
    place = distributions.install(
        distributions.ensure_place(root, backend, mib=ROOT_MIB),
        root,
        (parts.core, parts.plugin),
        RUNTIME.get(backend, ()),
        tests="test",
    )
    drivers = {path.name for path in (place.root / VULKAN_DRIVERS.relative_to("/")).glob("lvp_icd.*json")}
    told = given(
        {
            **_told(parts, *(str(VULKAN_DRIVERS / name) for name in drivers)),
            "LLAMAPACK_TEST_MODEL": distributions.inside(parts.model),
            "LLAMAPACK_CACHE_DIR": f"{distributions.OWN}/cache",
            "LLAMAPACK_PROBE_SECONDS": "3500",
            "MESA_SHADER_CACHE_DIR": f"{distributions.OWN}/shaders",
            "PYTHONPATH": f"{distributions.OWN}/tests",
        }
    )
    variables = {name: value for name, value in told.items() if value is not None}
    tests = (*pytest_words(), str(CONTRACT), "-rs", "-p", "no:cacheprovider", *(arguments or ("-k", PARTS)))
    for words in (("-m", "llamapack", "doctor"), tests):
        command = place.command(
            distributions.PYTHON,
            *words,
            files=(parts.model,),
            processor=PROCESSOR,
            binds={ROOT: str(ROOT)},
            variables=variables,
        )
        session.run(*command, external=True, success_codes=[0, 4] if words is not tests else [0])


def _told(parts: Artifacts, *drivers: str) -> dict[str, str]:
    """Return the variables that tell the tests what they test, on which device."""
    software = parts.way.how is Method.EMULATED
    return {
        **(lavapipe_variables(drivers[0] if drivers else lavapipe_driver()) if software else {}),
        "LLAMAPACK_TEST_BACKEND": parts.cell.backend,
        "LLAMAPACK_TEST_NO_DEVICE": "" if software else "nothing acts as the device here",
        "LLAMAPACK_TEST_SOFTWARE": parts.way.by,
        "LLAMAPACK_PROBE_SECONDS": "600",
    }


ROOT_MIB = 1500
ARM_PACKAGES: Mapping[str, Sequence[str]] = {"vulkan": LAVAPIPE_PACKAGES}
"""What a root for 64-bit Arm has for a backend's tests, by Debian's names."""
PARTS = "installed or without_device or device_is_there or logits or each_step or doctor"
"""The tests that are run in an emulator of a processor."""
PROCESSOR = "cortex-a76"
STAND_INS: Mapping[str, Callable[[Path], Mapping[str, str]]] = {"rocm-windows-x86_64": _stand_in_for_hip}
"""What makes stand-ins for the vendor's libraries where no package brings them, for the plug-in's own tests."""
WITH_STAND_INS: Mapping[str, Path] = {
    f"{backend}-windows-x86_64": ROOT / "tests" / "devices" / f"{backend}_windows" for backend in ("cuda", "rocm")
}
"""Tests of a cell that load its library beside stand-ins for the vendor's."""
RUNTIME: Mapping[str, Sequence[str]] = {"cuda": ("cuda-runtime",)}
"""The requirement files of what a plug-in needs when it runs, for another target than this machine's."""
RUN: Mapping[str, Callable[[nox.Session, Artifacts, Sequence[str]], None]] = {
    "windows-x86_64": run_under_wine,
    "linux-aarch64": run_in_arm_root,
}
"""How a plug-in is run for each target that something here runs."""
