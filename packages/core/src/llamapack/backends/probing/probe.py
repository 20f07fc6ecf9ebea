"""Probe backends in child processes, all at the same time, and return verdicts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamapack._native.library import library_dir, library_file_name, read_abi
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.probing.cache import CacheFile, recall_or_learn, verdicts_folder
from llamapack.backends.probing.fingerprint import backend_key, cpu_key
from llamapack.backends.probing.options import VARIABLE, probe_mode, probe_seconds
from llamapack.backends.probing.verdict_cache import read_verdict, write_verdict
from llamapack.backends.verdicts import Fault, Status, Verdict

# What starts processes is imported by those who start one: most often the verdicts are known.
if TYPE_CHECKING:
    from llamapack.backends.children.launch import Run
    from llamapack.backends.children.processes import Command


@dataclass(frozen=True, kw_only=True)
class ProbeJob:
    """One thing to probe: a plug-in, or if `plugin` is None the CPU level itself."""

    plugin: BackendPlugin | None
    cpu: Path
    avoided: tuple[str, ...] = ()  # PCI ids of devices that are listed, and not computed on

    @property
    def name(self) -> str:
        """Return the name of the backend."""
        return self.plugin.name if self.plugin else self.cpu.stem.removeprefix("lib").removeprefix("ggml-")

    def unprobed(self, fault: Fault, reason: str, remedy: str = "") -> Verdict:
        """Return the verdict that it was not probed, and why."""
        plugin = self.plugin
        title = plugin.title if plugin else f"the CPU level {self.name}"
        return Verdict(
            name=self.name,
            package=plugin.package if plugin else "llamapack",
            status=Status.UNPROBED,
            fault=fault,
            reason=f"{title} was not probed: {reason}",
            remedy=remedy,
            plugin=plugin,
        )

    def cache_file(self, folder: Path | None) -> CacheFile:
        """Return the file that remembers its verdict."""
        key = backend_key(self.plugin) if self.plugin else cpu_key(self.cpu)
        key = key | ({"avoided": list(self.avoided)} if self.avoided else {})
        return CacheFile.of(self.name, key, folder)


def probe(
    plugins: Sequence[BackendPlugin],
    cpu: Path,
    *,
    avoided: tuple[str, ...] = (),
    mode: str | None = None,
    seconds: float | None = None,
) -> tuple[Verdict, ...]:
    """Return for each plug-in whether it computes the same as the CPU level in the library `cpu`, in `seconds` at most.

    `avoided` are PCI ids of devices that would end the process: they are listed, and nothing is computed on them.

    `mode` is one of MODES; without it LLAMAPACK_PROBE decides. "cached" takes what is known and probes the rest,
    "always" probes, "never" starts no process and leaves what is not known unprobed. Raises InputError for another.
    """
    jobs = [ProbeJob(plugin=plugin, cpu=cpu, avoided=avoided) for plugin in plugins]
    return run_jobs(jobs, mode=mode, seconds=seconds)


def probe_cpu(library: Path, *, mode: str | None = None, seconds: float | None = None) -> Verdict:
    """Return whether the CPU level in `library` computes what Python does; see `probe`."""
    return run_jobs([ProbeJob(plugin=None, cpu=library)], mode=mode, seconds=seconds)[0]


def run_jobs(
    jobs: Sequence[ProbeJob], *, mode: str | None = None, seconds: float | None = None, run: Run | None = None
) -> tuple[Verdict, ...]:
    """Do what `probe` says; `run` starts the processes (`run_children`)."""
    mode, seconds = probe_mode(mode), probe_seconds(seconds)
    folder = verdicts_folder()
    files = {job: job.cache_file(folder) for job in jobs}

    def read(job: ProbeJob, file: CacheFile) -> Verdict | None:
        return read_verdict(file, job.plugin)

    def learn(unknown: Sequence[ProbeJob]) -> dict[ProbeJob, Verdict]:
        verdicts = dict(zip(unknown, _try(unknown, seconds, run), strict=True))
        for job, verdict in verdicts.items():
            write_verdict(files[job], verdict)
        return verdicts

    known = recall_or_learn(files, read, learn, mode=mode, seconds=seconds)
    reason = f"{VARIABLE} is never, and nothing is known from before"
    return tuple(known.get(job) or job.unprobed(Fault.NOT_ASKED, reason) for job in jobs)


def _try(jobs: Sequence[ProbeJob], seconds: float, run: Run | None) -> list[Verdict]:
    from llamapack.backends.children.launch import NotStarted, launch
    from llamapack.backends.probing.outcome import decode

    if not jobs:
        return []
    results = launch(lambda python: [_command(python, job, seconds) for job in jobs], seconds, run)
    if isinstance(results, NotStarted):
        return [job.unprobed(Fault.NO_PYTHON, results.reason, results.remedy) for job in jobs]
    return [decode(result, job.plugin, job.name, seconds) for result, job in zip(results, jobs, strict=True)]


def _command(python: Path, job: ProbeJob, seconds: float) -> Command:
    def command(report: int) -> list[str]:
        return [
            *(str(python), "-I", "-S", str(Path(__file__).resolve().with_name("_probe.py"))),
            json.dumps({**instructions(job, seconds), "report": report}),
        ]

    return command


def instructions(job: ProbeJob, seconds: float) -> dict[str, Any]:
    """Return the instructions for `_probe.py`, without the descriptor for its report."""
    plugin, libraries = job.plugin, library_dir()
    return {
        "bindings": str(libraries.parent / "_native" / "_generated.py"),
        "base": str(libraries / library_file_name("ggml-base")),
        "ggml": str(libraries / library_file_name("ggml")),
        "cpu": str(job.cpu),
        "plugin": str(plugin.library) if plugin else None,
        "preload": [str(path) for path in plugin.preload] if plugin else [],
        "avoided": list(job.avoided),
        "abi_id": read_abi().abi_id,
        "seconds": int(seconds),
    }
