"""Try backends in child processes, all at the same time, and say in words what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamapack._native.library import library_dir, library_file_name, read_abi
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.probing.cache import Slot, cache_folder
from llamapack.backends.probing.fingerprint import backend_marks, cpu_marks
from llamapack.backends.verdicts import Fault, Status, Verdict
from llamapack.errors import InputError

# What starts processes is imported by those who start one: most often the verdicts are known.
if TYPE_CHECKING:
    from llamapack.backends.probing.processes import Command, ProcessResult

VARIABLE = "LLAMAPACK_PROBE"
SECONDS_VARIABLE = "LLAMAPACK_PROBE_SECONDS"
MODES = ("always", "cached", "never")
SECONDS = 90.0 if sys.platform == "win32" else 30.0

Run = Callable[[Sequence["Command"], float], tuple["ProcessResult", ...]]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What is probed: a plug-in, or with `plugin` None the CPU level itself."""

    plugin: BackendPlugin | None
    cpu: Path
    avoided: tuple[str, ...] = ()  # PCI ids of devices that are listed, and not computed on

    @property
    def name(self) -> str:
        """Return the name of the backend."""
        return self.plugin.name if self.plugin else self.cpu.stem.removeprefix("lib").removeprefix("ggml-")

    def unprobed(self, fault: Fault, reason: str, remedy: str) -> Verdict:
        """Say that nothing is known of it, and why."""
        plugin = self.plugin
        title = f"{plugin.package} {plugin.version}" if plugin else f"the CPU level {self.name}"
        return Verdict(
            name=self.name,
            package=plugin.package if plugin else "llamapack",
            status=Status.UNPROBED,
            fault=fault,
            reason=f"{title} was not probed: {reason}",
            remedy=remedy,
            plugin=plugin,
        )

    def slot(self, folder: Path | None) -> Slot:
        """Return where its verdict is kept."""
        marks = backend_marks(self.plugin) if self.plugin else cpu_marks(self.cpu)
        marks = marks | ({"avoided": list(self.avoided)} if self.avoided else {})
        return Slot.of(self.name, marks, folder)


_Pair = tuple[Candidate, Slot]


def probe(
    plugins: Sequence[BackendPlugin],
    cpu: Path,
    *,
    avoided: tuple[str, ...] = (),
    mode: str | None = None,
    seconds: float | None = None,
) -> tuple[Verdict, ...]:
    """Say of each plug-in whether it computes what the CPU level in the library `cpu` does; takes `seconds` at most.

    `avoided` are PCI ids of devices that would end the process: they are listed, and nothing is computed on them.

    `mode` is one of MODES; without it LLAMAPACK_PROBE decides. "cached" takes what is known and probes the rest,
    "always" probes, "never" starts no process and leaves what is not known unprobed. Raises InputError for another.
    """
    candidates = [Candidate(plugin=plugin, cpu=cpu, avoided=avoided) for plugin in plugins]
    return probe_candidates(candidates, mode=mode, seconds=seconds)


def probe_cpu(library: Path, *, mode: str | None = None, seconds: float | None = None) -> Verdict:
    """Say whether the CPU level in `library` computes what Python does; see `probe`."""
    return probe_candidates([Candidate(plugin=None, cpu=library)], mode=mode, seconds=seconds)[0]


def probe_candidates(
    candidates: Sequence[Candidate], *, mode: str | None = None, seconds: float | None = None, run: Run | None = None
) -> tuple[Verdict, ...]:
    """Do what `probe` says; `run` starts the processes (`run_children`)."""
    mode, seconds = _mode(mode), probe_seconds() if seconds is None else seconds
    folder = cache_folder()
    slots = [(candidate, candidate.slot(folder)) for candidate in candidates]
    known = {} if mode == "always" else _read(slots)
    unknown = [pair for pair in slots if pair[0] not in known]
    if mode == "never":
        reason = f"{VARIABLE} is never, and nothing is known from before"
        known |= {candidate: candidate.unprobed(Fault.NOT_ASKED, reason, "") for candidate, _ in unknown}
    elif mode == "always":
        known |= _learn(unknown, seconds, run)
    elif unknown:
        deadline = time.monotonic() + seconds + 5
        with contextlib.ExitStack() as stack:
            for _, slot in sorted(unknown, key=lambda pair: str(pair[1].path)):  # one order: nobody waits in a ring
                stack.enter_context(slot.locked(deadline))
            known |= _read(unknown)
            known |= _learn([pair for pair in unknown if pair[0] not in known], seconds, run)
    return tuple(known[candidate] for candidate in candidates)


def _read(slots: Sequence[_Pair]) -> dict[Candidate, Verdict]:
    verdicts = ((candidate, slot.read(candidate.plugin)) for candidate, slot in slots)
    return {candidate: verdict for candidate, verdict in verdicts if verdict is not None}


def _learn(slots: Sequence[_Pair], seconds: float, run: Run | None) -> dict[Candidate, Verdict]:
    """Probe, and keep what comes of it."""
    verdicts = _try([candidate for candidate, _ in slots], seconds, run)
    for (_, slot), verdict in zip(slots, verdicts, strict=True):
        slot.write(verdict)
    return {candidate: verdict for (candidate, _), verdict in zip(slots, verdicts, strict=True)}


def _try(candidates: Sequence[Candidate], seconds: float, run: Run | None) -> list[Verdict]:
    from llamapack.backends.interpreter import VARIABLE as PYTHON_VARIABLE
    from llamapack.backends.interpreter import find_interpreter
    from llamapack.backends.probing.outcome import decode
    from llamapack.backends.probing.processes import MARK
    from llamapack.backends.probing.subprocesses import run_children

    if not candidates:
        return []

    def nothing(reason: str, remedy: str) -> list[Verdict]:
        return [each.unprobed(Fault.NO_PYTHON, reason, remedy) for each in candidates]

    if MARK in os.environ:
        return nothing("this process is a probe itself", "")
    interpreter = find_interpreter()
    if interpreter.path is None:
        return nothing(interpreter.reason, f"Set {PYTHON_VARIABLE} to the path of a Python interpreter.")
    try:
        ended = (run or run_children)(
            [_command(interpreter.path, candidate, seconds) for candidate in candidates], seconds
        )
    except OSError as error:
        return nothing(f"{interpreter.path} cannot be started: {error}", "")
    return [decode(end, each.plugin, each.name, seconds) for end, each in zip(ended, candidates, strict=True)]


def _command(python: Path, candidate: Candidate, seconds: float) -> Command:
    def command(report: int) -> list[str]:
        return [
            *(str(python), "-I", "-S", str(Path(__file__).resolve().with_name("_probe.py"))),
            json.dumps({**job(candidate, seconds), "report": report}),
        ]

    return command


def job(candidate: Candidate, seconds: float) -> dict[str, Any]:
    """Return what `_probe.py` is told, but for the descriptor."""
    plugin, libraries = candidate.plugin, library_dir()
    return {
        "bindings": str(libraries.parent / "_native" / "_generated.py"),
        "base": str(libraries / library_file_name("ggml-base")),
        "ggml": str(libraries / library_file_name("ggml")),
        "cpu": str(candidate.cpu),
        "plugin": str(plugin.library) if plugin else None,
        "preload": [str(path) for path in plugin.preload] if plugin else [],
        "avoided": list(candidate.avoided),
        "abi_id": read_abi().abi_id,
        "seconds": int(seconds),
    }


def _mode(mode: str | None) -> str:
    source = "mode"
    if mode is None:
        mode, source = os.environ.get(VARIABLE) or "cached", VARIABLE
    if mode not in MODES:
        raise InputError(f"{source} is {mode!r}, which means nothing.", fix=f"Use one of: {', '.join(MODES)}.")
    return mode


def probe_seconds() -> float:
    """Return how long a probe may take; raises InputError where LLAMAPACK_PROBE_SECONDS is no such number."""
    named = os.environ.get(SECONDS_VARIABLE)
    if not named:
        return SECONDS
    try:
        seconds = float(named)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise InputError(f"{SECONDS_VARIABLE} is {named!r}.", fix="Use a number of seconds, above 0 and below 3600.")
    return seconds
