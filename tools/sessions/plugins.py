"""Check a plug-in: inspect its wheel, install it with the core in a clean environment, and run it on a device.

Without a device the wheel is still built, inspected and loaded; the rest is skipped with the reason.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nox

from tools.building import wheels
from tools.building.wheels import found_wheels
from tools.errors import ToolError
from tools.matrix import Cell, host_target
from tools.paths import BUILD, ROOT
from tools.platforms.host import Method
from tools.platforms.target_packages import wheelhouse
from tools.sessions.common import (
    SCRATCH,
    WHOLE,
    audit,
    prepare,
    run_pytest,
    skip_unless_here,
    try_to_install_disassembler,
)
from tools.toolkits import gpu_architectures, rocm
from tools.toolkits.metal.kit import TARGET as METAL
from tools.util import inherited
from tools.util.cmd import run_live
from tools.util.files import remove_tree
from tools.util.venv import ensure_environment
from tools.verification import demo_model, results
from tools.verification.devices import FIND_DEVICE, RUNTIME_REQUIREMENTS, WITHOUT_GPU, amd_gpus

PREBUILT = "--wheels"
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--config-file", "/dev/null", "--rootdir")


def check_plugin(session: nox.Session, backend: str) -> None:
    """Check the plug-in of `backend` as far as this machine can; the session's arguments go to pytest.

    `--wheels DIR` takes finished wheels from DIR, and everything else that has to be installed: no network is used.
    `--record` records the result.
    """
    arguments, recording = results.begin(session.posargs)
    arguments, prebuilt = taken(arguments, PREBUILT)
    if prebuilt and recording:
        what = f"{PREBUILT} and {results.OPTION} do not go together."
        raise ToolError(what, why="Finished wheels may be of another commit than the one that would be recorded.")
    device = FIND_DEVICE[backend](arguments)
    arguments = [word for word in arguments if word not in device.options]
    results.refuse_arguments(recording, arguments)
    if prebuilt:
        core, plugin = found_wheels(Path(prebuilt), backend)
    else:
        core, plugin = wheels.core_wheel(), wheels.host_wheel(backend, kit=device.kit)
        if recording or backend in wheels.COSTLY:  # nox -s packaging inspects those of the others
            look_into(session, backend, core, plugin, device.packaging, whole=bool(recording))
    place = ensure_environment(
        ["core", "test", *runtime_requirements(backend)],
        folder=BUILD / f"test-{backend}",
        wheels=[core, plugin],
        source=Path(prebuilt) if prebuilt else None,
    )
    variables = {
        **device.variables,
        "LLAMAPACK_TEST_BACKEND": backend,
        "LLAMAPACK_TEST_MODEL": str(_model(prebuilt)),
        "LLAMAPACK_TEST_NO_DEVICE": device.missing,
        "LLAMAPACK_TEST_SOFTWARE": device.by,
        "LLAMAPACK_PROBE_SECONDS": "120",
    }
    run_pytest(
        session, str(ROOT / "tests" / "devices" / "contract"), "-rs", *arguments, env=variables, python=place.python
    )
    if recording:
        record(recording, backend, plugin, device.how, device.by)


def check_rocm(session: nox.Session) -> None:
    """Run on this machine's AMD GPUs, built for them; without one compile, audit and load it, and skip the rest."""
    found, own = amd_gpus(), rocm.system_rocm()
    with gpu_architectures.unless_named("rocm", ",".join(found) or WITHOUT_GPU["rocm"]):
        if found and own:
            check_plugin(session, "rocm")
            return
        arguments, recording = results.begin(session.posargs)
        results.refuse_arguments(recording, arguments)
        lack = "an AMD GPU, but no ROCm," if found else "no AMD GPU"
        if PREBUILT in arguments:
            raise ToolError(f"{PREBUILT} is for a machine with a GPU to run on.", why=f"This one has {lack}.")
        core, plugin = wheels.core_wheel(), wheels.host_wheel("rocm")
        look_into(session, "rocm", core, plugin, whole=bool(recording))
        if loads := not (found or own):  # the tests know what llamapack reports on a machine that has neither
            _load_in(rocm.forky_root(), (core, plugin), arguments)
    if recording:
        record(recording, "rocm", plugin, Method.LOADED if loads else Method.COMPILED)
    done = "compiled, audited, and loaded without a GPU" if loads else "compiled and audited"
    session.skip(f"It is {done}. This machine has {lack} to run it on.")


def check_metal(session: nox.Session) -> None:
    """Run on this Mac's GPU; elsewhere build the wheel with the stand-in for Apple's SDK, audit it and compare it.

    It is compared with a build by Apple's tools, and the stand-in with Apple's headers; running is skipped.
    """
    if sys.platform == "darwin":
        check_plugin(session, "metal")
        return
    arguments, recording = results.begin(session.posargs)
    results.refuse_arguments(recording, arguments)
    cell = Cell(backend="metal", target=METAL)
    skip_unless_here(session, cell)
    build, wheel = wheels.portable_build("metal", METAL), wheels.portable_wheel("metal", METAL)
    audit(session, wheel, *([WHOLE] if recording else []))
    place = ensure_environment(["audit", "build", "test"], folder=BUILD / "test-metal")
    told = {
        "LLAMAPACK_TEST_METAL_WHEEL": str(wheel),
        "LLAMAPACK_TEST_METAL_BUILD": str(build.folder),
        "LLAMAPACK_TEST_METAL_APPLE": str(wheelhouse("3.12", METAL, "apple")),
    }
    run_pytest(session, str(ROOT / "tests" / "devices" / "metal"), *arguments, env=told, python=place.python)
    if recording:
        results.record(cell.id, recording.result(Method.COMPILED))
    session.skip(f"{wheel.name} is built, audited and compared with Apple's. Only a Mac runs it.")


def look_into(
    session: nox.Session,
    backend: str,
    core: Path,
    plugin: Path,
    variables: Mapping[str, str] | None = None,
    *,
    whole: bool = False,
) -> None:
    """Run the tests of tests/wheels that inspect the plug-in's wheel, including the audit.

    With `whole`, the audit must have inspected all of it.
    """
    try_to_install_disassembler(plugin.name)
    place = ensure_environment(["test", "packaging"], folder=BUILD / "packaging")
    told = {
        "LLAMAPACK_TEST_WHEEL": str(core),
        "LLAMAPACK_TEST_MODEL": str(demo_model.demo_model()),
        "LLAMAPACK_TEST_PLUGINS": json.dumps({backend: {"wheel": str(plugin)}}),
        "LLAMAPACK_TEST_WHOLE": str(whole),
        **(variables or {}),
    }
    python = ".".join(map(str, sys.version_info[:2]))
    for name in runtime_requirements(backend):
        told["LLAMAPACK_TEST_RUNTIME"] = str(wheelhouse(python, host_target(), name))
    folder = ROOT / "tests" / "wheels" / "plugins"
    own = sorted(folder.glob(f"test_{backend}*.py"))
    tests = [str(path) for path in (folder / "test_plugin_wheels.py", folder / "test_real_plugins.py", *own)]
    run_pytest(session, *tests, "-rs", "-k", backend, env=told, python=place.python)


def record(recording: results.Recording, backend: str, wheel: Path, how: Method, by: str = "") -> None:
    """Record that the plug-in in `wheel` was checked, with the architectures that it has code for."""
    results.record(
        Cell(backend=backend, target=host_target()).id, recording.result(how, by, wheels.compiled_for(wheel))
    )


def runtime_requirements(backend: str) -> list[str]:
    """Return the requirement files of what the plug-in of `backend` needs when it runs."""
    return [RUNTIME_REQUIREMENTS[backend]] if backend in RUNTIME_REQUIREMENTS else []


def _load_in(folder: Path, parts: tuple[Path, Path], arguments: Sequence[str]) -> None:
    """Install the wheels in the root in `folder`, which has ROCm, in either order; run tests/devices/rocm."""
    site, pip = SCRATCH / "rocm", ensure_environment(["build"]).packages
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    paths = f"pythonpath={shlex.quote(str(ROOT))}"
    tests = [*PYTEST, str(ROOT), "--override-ini", paths, str(ROOT / "tests" / "devices" / "rocm"), *arguments]
    for order in (parts, parts[::-1]):
        remove_tree(site)
        site.mkdir(parents=True)
        steps = [([*install, str(part)], pip, "installed") for part in order]
        for python, packages, what in (*steps, (tests, site, "loaded")):
            settings = {"PYTHONPATH": str(packages), "LLAMAPACK_TEST_ROOT": str(folder), inherited.GIVEN: "PYTHONPATH"}
            command = rocm.in_forky(folder, ["python3", *python], settings, SCRATCH)
            run_live(command, what=f"The ROCm wheel could not be {what} in {folder}", env=os.environ)


def _model(prebuilt: str) -> Path:
    """Return a model that lies beside prebuilt wheels, or the one that every test uses."""
    beside = sorted(Path(prebuilt).glob("*.gguf")) if prebuilt else []
    return beside[0] if beside else demo_model.demo_model()


@dataclass(frozen=True, kw_only=True)
class BenchEnvironment:
    """Where a benchmark runs: the Python with llamapack, the benchmark's arguments, and what leads it to a device."""

    python: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def bench_environment(session: nox.Session) -> BenchEnvironment:
    """Return where the session's benchmark runs: on the CPU, or on the device of the plug-in in its first argument.

    A plug-in without a device skips the session with the reason.
    """
    backend, *arguments = session.posargs or [""]
    core = wheels.core_wheel()
    if backend not in FIND_DEVICE:
        prepare(session, "core", wheel=core)
        return BenchEnvironment(python="python", arguments=tuple(session.posargs))
    device = FIND_DEVICE[backend](arguments)
    if device.missing:
        session.skip(f"nothing can be measured: {device.missing}")
    place = ensure_environment(
        ["core", *runtime_requirements(backend)],
        folder=BUILD / f"bench-{backend}",
        wheels=[core, wheels.host_wheel(backend, kit=device.kit)],
    )
    own = [word for word in arguments if word not in device.options]
    return BenchEnvironment(
        python=str(place.python),
        arguments=("--backend", backend, *own),
        variables={**device.variables, "LLAMAPACK_BACKENDS": backend},
    )


def taken(arguments: Sequence[str], option: str) -> tuple[list[str], str]:
    """Take `option` and its value out of `arguments`; the value is empty if it is not among them."""
    rest = list(arguments)
    if option not in rest:
        return rest, ""
    place = rest.index(option)
    if place + 1 == len(rest):
        raise ToolError(f"{option} has no value.", fix=f"Use {option} DIR.")
    value = rest[place + 1]
    del rest[place : place + 2]
    return rest, value
