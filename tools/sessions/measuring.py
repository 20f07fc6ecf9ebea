"""Benchmarks: prepare what one needs, and return what runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nox

from tools.paths import BUILD
from tools.sessions.common import CLEAN, prepare
from tools.verification import demo_model

Run = Callable[[], None]
Build = Callable[[], Path]
Places = Sequence[str | Path]


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """Prepares benchmarks, with what builds each thing that they compare."""

    core_wheel: Build
    reference: Build
    server: Build
    peers: Build
    levels: Build
    openmp: Build

    def named(self, session: nox.Session) -> Run | None:
        """Prepare the comparison that the first word of the command line names; None if it names none."""
        special = {
            "threads": self._threads,
            "engine": self._engine,
            "serve": self._serve,
            "prompt-cache": self._prompt_cache,
        }
        chosen = special.get("".join(session.posargs[:1]))
        return None if chosen is None else chosen(session, session.posargs[1:])

    def watching(self, session: nox.Session, module: str, *names: str) -> Run:
        """Prepare a program that watches memory for a long time; `names` are the requirements that it needs."""
        prepare(session, *names, wheel=self.core_wheel())
        return partial(_run, session, module, ["--model", demo_model.demo_model()], session.posargs)

    def compilers(self, session: nox.Session) -> Run:
        """Prepare the comparison of compilers."""
        prepare(session, "core", wheel=self.core_wheel())
        places: Places = [
            "--model",
            demo_model.demo_model(),
            "--reference",
            self.reference(),
            "--modules",
            self.levels(),
        ]
        return partial(_run, session, "compilers", places, session.posargs)

    def _threads(self, session: nox.Session, options: Sequence[str]) -> Run:
        prepare(session, "core", wheel=self.core_wheel())
        return partial(
            _run, session, "threads", ["--model", demo_model.demo_model(), "--openmp", self.openmp()], options
        )

    def _engine(self, session: nox.Session, options: Sequence[str]) -> Run:
        prepare(session, "core", wheel=self.core_wheel())
        return partial(_run, session, "engine", self._others(), options)

    def _serve(self, session: nox.Session, options: Sequence[str]) -> Run:
        prepare(session, "core", "serve", wheel=self.core_wheel())
        return partial(_run, session, "serving.speed", self._others(), options)

    def _prompt_cache(self, session: nox.Session, options: Sequence[str]) -> Run:
        prepare(session, "core", "serve", wheel=self.core_wheel())
        return partial(_run, session, "prompt_cache", ["--model", demo_model.demo_model()], options)

    def _others(self) -> Places:
        """Return the arguments that say where the model is, llama.cpp's server, and the peers."""
        return ["--model", demo_model.demo_model(), "--server", self.server(), "--peers", self.peers()]


def report(name: str) -> Path:
    """Return the file that a benchmark writes its numbers to."""
    return BUILD / "bench" / f"{name}.json"


def _run(session: nox.Session, module: str, places: Places, options: Sequence[str]) -> None:
    output = report("serve" if module == "serving.speed" else module.rpartition(".")[2])
    command = ["python", "-m", f"benchmarks.{module}", *map(str, places), "--output", str(output), *options]
    session.run(*command, env=CLEAN)
