"""Prove one CPU level in the ways that this machine has: run it, emulate it, or look into its library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nox

from tools import models, results, wheels
from tools.emulation import USED, ensure_emulator, find_emulator, how_to_get
from tools.environments import Environment, ensure_environment
from tools.hosts import How, Way, lacks, this_host, ways
from tools.matrix import Cell, load_matrix
from tools.paths import ROOT
from tools.sessions import CLEAN, run_pytest, skip_unless_here

RUN = "tests/integration/test_greedy.py::test_each_supported_level_gives_the_same_text_and_is_the_one_loaded"
AUDIT = "import sys; from tools.audit.report import audited; print(audited(*sys.argv[1:]))"
WITHOUT_SSE42 = ("x64",)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the proofs of a level run on."""

    wheel: Path
    model: Path


def prove(session: nox.Session, cell: Cell) -> None:
    """Prove `cell` in every way that this machine has; skip the session with the reason where it has none."""
    skip_unless_here(session, cell)
    words, wanted = results.without_option(session.posargs)
    wheel = wheels.wheel_for(cell.backend, cell.target, session.log)
    parts = Parts(wheel=wheel, model=models.demo_model(session.log))
    for way in tuple(_ways_here(session, cell)):
        _prove(session, cell, way, parts, words)
        if wanted:
            results.record(cell.id, results.result_now(way.how, way.by))


def _ways_here(session: nox.Session, cell: Cell) -> Iterator[Way]:
    """Give the ways to take, the strongest first; looking into the library only where nothing runs it."""
    matrix, none = load_matrix(), True
    for name in {way.program for way in ways(matrix, cell, this_host().target)} & USED:
        ensure_emulator(name, session.log)
    host = this_host()
    for way in ways(matrix, cell, host.target):
        if reason := lacks(matrix, host, cell, way):
            session.log(f"{cell.id} is not {way.how} here: {reason}")
        elif way.how is not How.COMPILED or none:
            none = False
            yield way


def to_audit(session: nox.Session, word: str) -> tuple[Cell | None, Path]:
    """Return the wheel that `word` stands for, a file or the id of a build, and in the second case that build."""
    if word.endswith(".whl"):
        return None, Path(word)
    cell = load_matrix().cell(word)
    skip_unless_here(session, cell)
    return cell, wheels.wheel_for(cell.backend, cell.target, session.log)


def _prove(session: nox.Session, cell: Cell, way: Way, parts: Parts, words: list[str]) -> None:
    if way.how is How.NATIVE:
        test = f"{ROOT / RUN}[{cell.level}]"
        variables = {"LLAMAPACK_TEST_MODEL": str(parts.model)}
        run_pytest(session, test, *words, env=variables, python=_environment(parts.wheel).python)
    elif way.how is How.EMULATED:
        EMULATE[way.program](session, (cell.level,), parts, words)
    else:
        place = ensure_environment(["audit"], folder=ROOT / "build" / "audit", say=session.log)
        file = f"ggml-cpu-{cell.level}.dll" if cell.target.startswith("windows") else f"libggml-cpu-{cell.level}.so"
        arguments = (str(parts.wheel), file)
        session.run(str(place.python), "-c", AUDIT, *arguments, env=CLEAN, external=True)


def emulate(session: nox.Session, levels: tuple[str, ...], parts: Parts, words: list[str]) -> None:
    """Run the emulation tests of `levels`; those without SSE4.2 with a numpy that runs there."""
    emulator = find_emulator("qemu-x86_64")
    if emulator is None:
        session.skip(how_to_get("qemu-x86_64"))
    old = tuple(level for level in levels if level in WITHOUT_SSE42)
    for some, names in ((old, ("x64",)), (tuple(level for level in levels if level not in old), ())):
        if some:
            variables = {
                "LLAMAPACK_TEST_MODEL": str(parts.model),
                "LLAMAPACK_TEST_EMULATOR": str(emulator),
                "LLAMAPACK_TEST_LEVELS": ",".join(some),
            }
            python = _environment(parts.wheel, *names).python
            run_pytest(session, str(ROOT / "tests" / "emulation"), *words, env=variables, python=python)


EMULATE = {"qemu-x86_64": emulate}
"""How levels are run by each emulator that is used."""


def _environment(wheel: Path, *more: str) -> Environment:
    folder = ROOT / "build" / "-".join(("test-cpu", *more))
    return ensure_environment(["core", "test", *more], folder=folder, wheels=[wheel])
