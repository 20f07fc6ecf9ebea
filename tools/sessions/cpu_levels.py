"""Check one CPU level in the ways that this machine has: run it, emulate it, or inspect its library."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nox

from tools.building import wheels
from tools.compilers.toolchains import zig_commands
from tools.matrix import Cell, host_target, load_matrix
from tools.paths import BUILD, ROOT
from tools.platforms import apt, distributions
from tools.platforms.distributions import Place
from tools.platforms.emulators import USED, ensure_emulator, find_emulator, how_to_get
from tools.platforms.host import Method, Way, skip_reason, this_host, ways
from tools.sessions.common import WHOLE, audit, run_pytest, skip_unless_here, try_to_install_disassembler, workers
from tools.util.venv import Environment, ensure_environment
from tools.verification import demo_model, results

RUN = "tests/integration/generation/test_greedy.py::test_each_supported_level_gives_the_same_text_and_is_the_one_loaded"
WITHOUT_SSE42 = ("x64",)
OWN_WHEEL = "--own-wheel"


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """What the checks of a level run with."""

    wheel: Path
    model: Path
    recorded: bool = False
    """Whether the result is recorded: then no part of the check may be left out."""


def check_level(session: nox.Session, cell: Cell) -> None:
    """Check `cell` in every way that this machine has; skip the session with the reason if it has none."""
    skip_unless_here(session, cell)
    arguments, recording = results.begin(session.posargs)
    results.refuse_arguments(recording, arguments)
    wheel = wheels.wheel_for(cell.backend, cell.target)
    artifacts = Artifacts(wheel=wheel, model=demo_model.demo_model(), recorded=recording is not None)
    for way in tuple(_ways_here(session, cell)):
        _check_in_one_way(session, cell, way, artifacts, arguments)
        if recording:
            results.record(cell.id, recording.result(way.how, way.by))


def _ways_here(session: nox.Session, cell: Cell) -> Iterator[Way]:
    """Yield the ways to check `cell`, the strongest first; the library is only inspected if nothing here runs it."""
    matrix, none = load_matrix(), True
    for name in {way.program for way in ways(matrix, cell, this_host().target)} & USED:
        ensure_emulator(name)
    host = this_host()
    for way in ways(matrix, cell, host.target):
        if reason := skip_reason(matrix, host, cell, way):
            session.log(f"{cell.id} is not {way.how} here: {reason}")
        elif way.how is not Method.COMPILED or none:
            none = False
            yield way


def to_audit(session: nox.Session, word: str) -> tuple[Cell | None, Path]:
    """Return the wheel that `word` stands for, a file or the id of a build, and in the second case that build."""
    try_to_install_disassembler(word)
    if word.endswith(".whl"):
        return None, Path(word)
    cell = load_matrix().cell(word)
    skip_unless_here(session, cell)
    return cell, wheels.wheel_for(cell.backend, cell.target)


def _check_in_one_way(session: nox.Session, cell: Cell, way: Way, artifacts: Artifacts, arguments: list[str]) -> None:
    if way.how is Method.NATIVE:
        test = f"{ROOT / RUN}[{cell.level}]"
        variables = {"LLAMAPACK_TEST_MODEL": str(artifacts.model)}
        run_pytest(session, test, *arguments, env=variables, python=_environment(artifacts.wheel).python)
    elif way.how is Method.EMULATED:
        EMULATE[way.program](session, (cell.level,), artifacts, arguments)
    else:
        file = f"ggml-cpu-{cell.level}.dll" if cell.target.startswith("windows") else f"libggml-cpu-{cell.level}.so"
        audit(session, artifacts.wheel, file, *([WHOLE] if artifacts.recorded else []))


def emulate(session: nox.Session, levels: tuple[str, ...], artifacts: Artifacts, arguments: list[str]) -> None:
    """Run the emulation tests of `levels`; those without SSE4.2 with a numpy that runs there."""
    emulator = find_emulator("qemu-x86_64")
    if emulator is None:
        session.skip(how_to_get("qemu-x86_64"))
    old = tuple(level for level in levels if level in WITHOUT_SSE42)
    for some, names in ((old, ("x64",)), (tuple(level for level in levels if level not in old), ())):
        if some:
            variables = {
                "LLAMAPACK_TEST_MODEL": str(artifacts.model),
                "LLAMAPACK_TEST_EMULATOR": str(emulator),
                "LLAMAPACK_TEST_LEVELS": ",".join(some),
            }
            python = _environment(artifacts.wheel, *names).python
            tests = str(ROOT / "tests" / "platforms" / "emulation")
            run_pytest(session, tests, *workers(), *arguments, env=variables, python=python)


def emulate_arm(session: nox.Session, levels: tuple[str, ...], artifacts: Artifacts, arguments: list[str]) -> None:
    """Run the tests of `levels` in a Debian root for Arm; this machine's own wheel says what to compare with."""
    place = distributions.installed(distributions.ARM, artifacts.wheel)
    variables = {
        "LLAMAPACK_TEST_LEVELS": ",".join(levels),
        "LLAMAPACK_TEST_PYTHON": str(_environment(wheels.core_wheel()).python),
    }
    run_in_root(session, place, "test_arm.py", artifacts.model, arguments, variables)


def check_distribution(session: nox.Session, suite: str) -> None:
    """Run the portable wheel in a Debian release, by its own Python or a C program; with OWN_WHEEL, this machine's.

    The portable one is built by zig, and is audited first. This machine's own has been built before, and runs with a C
    library that is not older.
    """
    arguments = [word for word in session.posargs if word != OWN_WHEEL]
    root = distributions.root_of(suite)
    if OWN_WHEEL in session.posargs:
        if suite in distributions.OLDER:
            session.skip(f"This machine's own wheel asks for a newer C library than {suite} has.")
        wheel = wheels.core_wheel()
    else:
        wheel = wheels.portable_wheel("cpu", host_target())
        audit(session, wheel)
    model = demo_model.demo_model()
    variables = {"LLAMAPACK_TEST_SUITE": suite, "LLAMAPACK_TEST_WHEEL": str(wheel)}
    if suite in distributions.OLDER:
        place = distributions.ensure_place(root)
        variables["LLAMAPACK_TEST_CC"] = shlex.join(zig_commands(host_target()).c)
        run_in_root(session, place, "test_older_debian.py", model, arguments, variables)
    else:
        place = distributions.installed(root, wheel)
        run_in_root(session, place, "test_debian.py", model, arguments, variables)


def run_in_root(
    session: nox.Session, place: Place, test: str, model: Path, arguments: list[str], variables: Mapping[str, str]
) -> None:
    """Run a test file of tests/platforms/debian on `place`; only what it starts there is run inside of it."""
    held = {"root": str(place.root), "own": str(place.own), "emulator": str(place.emulator or "")}
    told = {"LLAMAPACK_TEST_PLACE": json.dumps(held), "LLAMAPACK_TEST_MODEL": str(model), **variables}
    tools = ensure_environment(["core", "test", "auditwheel"], folder=BUILD / "test-roots")
    run_pytest(session, str(ROOT / "tests" / "platforms" / "debian" / test), *arguments, env=told, python=tools.python)


def run_in_wine(session: nox.Session, levels: tuple[str, ...], artifacts: Artifacts, arguments: list[str]) -> None:
    """Run the tests for Windows on the wheel for it; this machine's own wheel says what is to be expected."""
    apt.try_to_install(("gcc-mingw-w64-x86-64-win32",), purpose="a plug-in of another compiler")
    variables = {
        "LLAMAPACK_TEST_MODEL": str(artifacts.model),
        "LLAMAPACK_TEST_WHEEL": str(artifacts.wheel),
        "LLAMAPACK_TEST_LEVELS": ",".join(levels),
        "LLAMAPACK_TEST_CC": shlex.join(zig_commands("windows-x86_64").c),
    }
    python = _environment(wheels.core_wheel(), "windows", "audit").python
    run_pytest(session, str(ROOT / "tests" / "platforms" / "windows"), *arguments, env=variables, python=python)


EMULATE = {"qemu-x86_64": emulate, "qemu-aarch64": emulate_arm, "wine": run_in_wine}
"""How levels are run by each emulator that is used."""


def _environment(wheel: Path, *more: str) -> Environment:
    folder = BUILD / "-".join(("test-cpu", *more))
    return ensure_environment(["core", "test", *more], folder=folder, wheels=[wheel])
