"""Prove a plug-in: look into its wheel, install it with the core in a clean environment, and run it on a device.

Where a machine has no device, the wheel is still built, looked into and loaded; the rest is skipped with the reason.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nox

from tools.building import wheels
from tools.errors import ToolError
from tools.matrix import host_target
from tools.paths import BUILD, ROOT
from tools.platforms.distributions import wheelhouse
from tools.platforms.host import How
from tools.sessions import cpu_levels
from tools.sessions.common import prepare, run_pytest
from tools.toolkits import cuda, rocm, vulkan
from tools.util.inherited import DEVICES, named
from tools.util.live import Say, quiet
from tools.util.venv import ensure_environment
from tools.verification import demo_model, results
from tools.verification.devices import Ground

PREBUILT = "--wheels"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What proving one backend takes beside its wheel."""

    ground: Callable[[Sequence[str], Say], Ground]
    """What the plug-in is run on, chosen by the session's words."""
    requirement: str = ""
    """The requirement file of what it needs when it runs."""


def rocm_ground(words: Sequence[str] = (), say: Say = quiet) -> Ground:
    """Return this machine's AMD GPUs to run on."""
    lacking = "" if rocm.gpus() else "no AMD GPU"
    return Ground(how=How.NATIVE, lacking=lacking, variables=named(DEVICES))


def metal_ground(words: Sequence[str] = (), say: Say = quiet) -> Ground:
    """Return this Mac's GPU to run on: the session tries it on no other machine."""
    return Ground(how=How.NATIVE)


TRIALS: Mapping[str, Trial] = {
    "vulkan": Trial(ground=vulkan.ground),
    "cuda": Trial(ground=cuda.ground, requirement="cuda-runtime"),
    "rocm": Trial(ground=rocm_ground),
    "metal": Trial(ground=metal_ground),
}


def prove_plugin(session: nox.Session, backend: str) -> None:
    """Prove the plug-in of `backend` as far as this machine can; the session's words go to pytest.

    `--wheels DIR` takes finished wheels from DIR, and everything else that has to be installed: no network is used.
    `--record` writes down that it passed.
    """
    words, recording = results.begin(session.posargs)
    words, prebuilt = taken(words, PREBUILT)
    if prebuilt and recording:
        what = f"{PREBUILT} and {results.OPTION} do not go together."
        raise ToolError(what, why="Finished wheels may be of another commit than the one that would be recorded.")
    trial = TRIALS[backend]
    ground = trial.ground(words, session.log)
    words = [word for word in words if word not in ground.words]
    results.refuse_others(recording, words)
    if prebuilt:
        core, plugin = found_wheels(Path(prebuilt), backend)
    else:
        core, plugin = wheels.core_wheel(session.log), wheels.host_wheel(backend, session.log, kit=ground.kit)
        if recording or backend in wheels.COSTLY:  # those of the others are looked into by nox -s packaging
            look_into(session, backend, core, plugin, ground.packaging, whole=bool(recording))
    place = ensure_environment(
        ["core", "test", *filter(None, [trial.requirement])],
        folder=BUILD / f"test-{backend}",
        wheels=[core, plugin],
        source=Path(prebuilt) if prebuilt else None,
        say=session.log,
    )
    variables = {
        **ground.variables,
        "LLAMAPACK_TEST_BACKEND": backend,
        "LLAMAPACK_TEST_MODEL": str(_model(prebuilt, session.log)),
        "LLAMAPACK_TEST_NO_DEVICE": ground.lacking,
        "LLAMAPACK_PROBE_SECONDS": "120",
    }
    run_pytest(session, str(ROOT / "tests" / "devices" / "contract"), "-rs", *words, env=variables, python=place.python)
    if recording:
        record(recording, backend, plugin, ground.how, ground.by)


def look_into(
    session: nox.Session,
    backend: str,
    core: Path,
    plugin: Path,
    variables: Mapping[str, str] | None = None,
    *,
    whole: bool = False,
) -> None:
    """Run the tests of tests/wheels that look into the plug-in's wheel, the audit among them.

    With `whole`, the audit must have looked at all of it.
    """
    cpu_levels.wish_for_disassembler(session.log, plugin.name)
    place = ensure_environment(["test", "packaging"], folder=BUILD / "packaging", say=session.log)
    told = {
        "LLAMAPACK_TEST_WHEEL": str(core),
        "LLAMAPACK_TEST_MODEL": str(demo_model.demo_model(session.log)),
        "LLAMAPACK_TEST_PLUGINS": json.dumps({backend: {"wheel": str(plugin)}}),
        "LLAMAPACK_TEST_WHOLE": str(whole),
        **(variables or {}),
    }
    python = ".".join(map(str, sys.version_info[:2]))
    if name := TRIALS[backend].requirement:
        told["LLAMAPACK_TEST_RUNTIME"] = str(wheelhouse(python, host_target(), session.log, name))
    files = ("test_plugin_wheels.py", "test_real_plugins.py", f"test_{backend}.py")
    tests = [str(path) for name in files if (path := ROOT / "tests" / "wheels" / "plugins" / name).exists()]
    run_pytest(session, *tests, "-rs", "-k", backend, env=told, python=place.python)


def record(recording: results.Recording, backend: str, wheel: Path, how: How, by: str = "") -> None:
    """Write down that the plug-in in `wheel` was proven, with the architectures that it has code for."""
    results.record(f"{backend}-{host_target()}", recording.result(how, by, compiled_for(wheel)))


def compiled_for(wheel: Path) -> str:
    """Return the architectures of a plug-in's wheel by its description: 80, 90 (PTX); none for any device."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/lib/backend.json"))
        targets = json.loads(archive.read(name))["targets"]
    return ", ".join(target["name"] + (" (PTX)" if target["kind"] == "ptx" else "") for target in targets)


def _model(prebuilt: str, say: Say) -> Path:
    """Return a model that lies beside prebuilt wheels, or the one that every test uses."""
    beside = sorted(Path(prebuilt).glob("*.gguf")) if prebuilt else []
    return beside[0] if beside else demo_model.demo_model(say)


@dataclass(frozen=True, kw_only=True)
class BenchPlace:
    """Where a benchmark runs: the Python with llamapack, the benchmark's words, and what leads it to a device."""

    python: str
    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def bench_place(session: nox.Session) -> BenchPlace:
    """Return where the session's benchmark runs: on the CPU, or on the device of the plug-in that its first word names.

    A plug-in without a device skips the session with the reason.
    """
    backend, *words = session.posargs or [""]
    core = wheels.core_wheel(session.log)
    if backend not in TRIALS:
        prepare(session, "core", wheel=core)
        return BenchPlace(python="python", words=tuple(session.posargs))
    ground = TRIALS[backend].ground(words, session.log)
    if ground.lacking:
        session.skip(f"nothing can be measured: {ground.lacking}")
    place = ensure_environment(
        ["core", *filter(None, [TRIALS[backend].requirement])],
        folder=BUILD / f"bench-{backend}",
        wheels=[core, wheels.host_wheel(backend, session.log, kit=ground.kit)],
        say=session.log,
    )
    own = [word for word in words if word not in ground.words]
    return BenchPlace(
        python=str(place.python),
        words=("--backend", backend, *own),
        variables={**ground.variables, "LLAMAPACK_BACKENDS": backend},
    )


def taken(words: Sequence[str], option: str) -> tuple[list[str], str]:
    """Take `option` and its value out of `words`; the value is empty where it is not there."""
    rest = list(words)
    if option not in rest:
        return rest, ""
    place = rest.index(option)
    if place + 1 == len(rest):
        raise ToolError(f"{option} names nothing.", fix=f"Say {option} DIR.")
    value = rest[place + 1]
    del rest[place : place + 2]
    return rest, value


def found_wheels(folder: Path, backend: str) -> list[Path]:
    """Return the core's and the plug-in's wheel for this machine in `folder`: one of each, or a ToolError."""
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
