"""Benchmarks: prepare what each needs, and run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import nox

from tools.paths import BUILD
from tools.sessions.common import CLEAN, prepare
from tools.verification import demo_model

Build = Callable[[], Path]
Places = Sequence[str | Path]


class Place(Protocol):
    """An environment that a benchmark runs in."""

    @property
    def python(self) -> str:
        """Its interpreter."""

    @property
    def arguments(self) -> Sequence[str]:
        """More arguments of the benchmark."""

    @property
    def variables(self) -> Mapping[str, str]:
        """More variables of its environment."""


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """Runs benchmarks, with what builds each thing that they compare."""

    environment: Callable[[nox.Session], Place]
    core_wheel: Build
    reference: Build
    server: Build
    peers: Build
    levels: Build
    openmp: Build

    def comparison(self, session: nox.Session) -> None:
        """Run what the first word of the command line names, or the comparison with llama.cpp's programs."""
        special = {"threads": self._threads, "engine": self._engine, "serve": self._serve}
        special["prompt-cache"] = self._prompt_cache
        if chosen := special.get("".join(session.posargs[:1])):
            chosen(session, session.posargs[1:])
            return
        place = self.environment(session)
        places: Places = ["--model", demo_model.demo_model(), "--reference", self.reference()]
        command = [place.python, "-m", "benchmarks.speed", *map(str, places), "--output", str(_report("speed"))]
        _call(session, [*command, *place.arguments], place)

    def watching(self, session: nox.Session, module: str, *names: str) -> None:
        """Run a program that watches memory for a long time; `names` are the requirements that it needs."""
        prepare(session, *names, wheel=self.core_wheel())
        _run(session, module, ["--model", demo_model.demo_model()], session.posargs)

    def compilers(self, session: nox.Session) -> None:
        """Run the comparison of compilers."""
        prepare(session, "core", wheel=self.core_wheel())
        places: Places = ["--model", demo_model.demo_model(), "--reference", self.reference()]
        _run(session, "compilers", [*places, "--modules", self.levels()], session.posargs)

    def _threads(self, session: nox.Session, options: Sequence[str]) -> None:
        prepare(session, "core", wheel=self.core_wheel())
        _run(session, "threads", ["--model", demo_model.demo_model(), "--openmp", self.openmp()], options)

    def _engine(self, session: nox.Session, options: Sequence[str]) -> None:
        prepare(session, "core", wheel=self.core_wheel())
        _run(session, "engine", self._others(), options)

    def _serve(self, session: nox.Session, options: Sequence[str]) -> None:
        prepare(session, "core", "serve", wheel=self.core_wheel())
        _run(session, "serving.speed", self._others(), options)

    def _prompt_cache(self, session: nox.Session, options: Sequence[str]) -> None:
        prepare(session, "core", "serve", wheel=self.core_wheel())
        _run(session, "serving.prompt_cache", ["--model", demo_model.demo_model()], options)

    def _others(self) -> Places:
        """Return the arguments that say where the model is, llama.cpp's server, and the peers."""
        return ["--model", demo_model.demo_model(), "--server", self.server(), "--peers", self.peers()]


def _call(session: nox.Session, command: Sequence[str], place: Place) -> None:
    session.run(*command, env={**CLEAN, **place.variables}, external=place.python != "python")


def _report(name: str) -> Path:
    return BUILD / "bench" / f"{name}.json"


def _run(session: nox.Session, module: str, places: Places, options: Sequence[str]) -> None:
    output = _report("serve" if module == "serving.speed" else module.rpartition(".")[2])
    command = ["python", "-m", f"benchmarks.{module}", *map(str, places), "--output", str(output), *options]
    session.run(*command, env=CLEAN)
