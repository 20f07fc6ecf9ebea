"""The doctor's report: what is installed, what works, what `auto` would choose, and how to fix the rest.

It is plain data, described in docs/reference/doctor.md, and can go into a bug report: the home folder is shortened to
`~`, and only the environment variables that matter here are included. No code of a plug-in runs in this process.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from llamapack._native.library import library_dir
from llamapack.backends.cpu import UNUSABLE, load_cpu
from llamapack.backends.host.facts import HostFacts, read_host
from llamapack.backends.host.foreign_libraries import find_foreign
from llamapack.backends.host.loaded_libraries import loaded_libraries
from llamapack.backends.plugin_loader import survey_backends
from llamapack.backends.probing.fingerprint import is_secret
from llamapack.backends.probing.probe import probe_cpu
from llamapack.backends.selection.decisions import Choice
from llamapack.backends.selection.request import Request, read_request
from llamapack.backends.selection.select import choose
from llamapack.backends.verdicts import Status, Verdict, to_data
from llamapack.diagnostics.core_facts import core_facts
from llamapack.diagnostics.installed_files import installed_packages
from llamapack.diagnostics.installed_files import problems as changed_files
from llamapack.errors import LlamapackError

SCHEMA = 1
HIDDEN = "(hidden)"
HEALTHY, DEGRADED, BROKEN = "healthy", "degraded", "broken"
_VARIABLES = ("LLAMAPACK_", "GGML_", "CUDA_", "HIP_", "ROCR_", "HSA_", "NVIDIA_", "VK_", "GPU_DEVICE_ORDINAL")


class Known(Protocol):
    """The results of a survey: the machine and the verdicts on the plug-ins."""

    @property
    def host(self) -> HostFacts:
        """The facts of the machine."""

    def verdicts(self, names: Sequence[str] | None, cpu: Path) -> tuple[Verdict, ...]:
        """Return a verdict for each plug-in."""


def gather(cpu: str | None = None) -> dict[str, Any]:
    """Return the report; errors are listed in its `problems` instead of being raised."""
    packages = installed_packages()
    problems = changed_files(packages)
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "status": DEGRADED if problems else HEALTHY,
        "problems": problems,
        "system": _system(read_host()),
        "packages": [each.to_data() for each in packages],
    }
    try:
        report |= _core(cpu)
        library = load_cpu(cpu).level.path
        tried = probe_cpu(library)
        report["cpu"]["probe"] = probed(tried)
    except LlamapackError as error:
        problems.append(_problem(error))
        return _finished(report | {"status": BROKEN, "backends": [], "foreign": [], "choice": None})
    if tried.status is Status.BROKEN:
        unusable = tried.fault in UNUSABLE
        what = "The CPU level does not work." if unusable else "The CPU level is used, but could not be tried."
        problems.append({"what": what, "why": tried.reason, "fix": tried.remedy})
        report["status"] = BROKEN if unusable else DEGRADED
    return _finished(add_backends(report, survey_backends(library), library))


def judge(status: str, choice: Choice) -> str:
    """Return the status: degraded if an installed plug-in is broken, or if none of them provides a GPU."""
    if status == HEALTHY and choice.warnings:
        return DEGRADED
    return status


def add_backends(report: dict[str, Any], survey: Known, cpu: Path) -> dict[str, Any]:
    """Add the backends, what would be chosen, and the resulting problems."""
    verdicts = survey.verdicts((), cpu)
    host = survey.host
    try:
        choice = choose(read_request(None, None, False, os.environ), verdicts, host)
    except LlamapackError as error:  # LLAMAPACK_BACKENDS names a backend that does not exist
        report["problems"].append(_problem(error))
        report["status"], choice = DEGRADED, choose(Request(), verdicts, host)
    for text in choice.warnings:
        what, _, why = text.partition("\n")
        report["problems"].append({"what": what, "why": why, "fix": ""})
    own = [verdict.plugin.library.parent for verdict in verdicts if verdict.plugin]
    return report | {
        "foreign": [{**vars(each), "path": str(each.path), "meaning": str(each)} for each in find_foreign(own)],
        "status": judge(report["status"], choice),
        "backends": [_backend(verdict, choice) for verdict in verdicts],
        "choice": {"devices": [asdict(each) for each in choice.used], "cpu_only": not choice.used},
    }


def _core(cpu: str | None) -> dict[str, Any]:
    facts = core_facts(cpu).to_data()
    core = {name: facts[name] for name in ("llama_cpp", "llama_cpp_commit", "abi_id", "libraries")}
    core["loaded"] = [str(path) for path in loaded_libraries() if path.is_relative_to(library_dir())]
    return {"core": {"version": facts["llamapack"], **core}, "cpu": facts["cpu"], "threads": facts["threads"]}


def _system(host: HostFacts) -> dict[str, Any]:
    return {
        "platform": platform.platform(),
        "machine": host.machine,
        "python": platform.python_version(),
        "executable": sys.executable,
        "container": host.container,
        "wsl": host.wsl,
        "variables": shown_variables(os.environ),
        "gpus": [
            {"pci_id": gpu.pci_id, "vendor": gpu.vendor, "driver": gpu.driver, "name": gpu.name, "gfx": gpu.gfx}
            for gpu in host.gpus
        ],
        "nvidia_driver": host.nvidia_driver,
        "cuda_library": host.cuda_library,
        "vulkan_drivers": list(host.vulkan_drivers),
    }


def shown_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that affect llamapack; those that may hold secrets without their values."""
    named = [name for name in sorted(environment) if name.startswith(_VARIABLES)]
    named += [name for name in ("LD_LIBRARY_PATH", "PYTHONPATH") if name in environment]
    return {name: HIDDEN if is_secret(name) else without_password(environment[name]) for name in named}


def without_password(value: str) -> str:
    """Return `value` without the user name and password of an address: the part before the @."""
    return re.sub(r"(?<=://)[^/@\s]+(?=@)", HIDDEN, value)


def _backend(verdict: Verdict, choice: Choice) -> dict[str, Any]:
    decision = next(
        (each for each in choice.backends if (each.name, each.package) == (verdict.name, verdict.package)), None
    )
    reasons = {device.name: device for device in choice.devices if device.backend == verdict.name}
    facts = probed(verdict)
    for device in facts["devices"]:
        decided = reasons.get(device["name"])
        device |= {"used": bool(decided and decided.used), "reason": decided.reason if decided else ""}
    return {
        "name": verdict.name,
        "package": verdict.package,
        "version": verdict.plugin.version if verdict.plugin else None,
        **facts,
        "used": bool(decision and decision.loaded),
        "reason": decision.reason if decision else "not named by LLAMAPACK_BACKENDS",
        "remedy": decision.remedy if decision else "",
    }


def probed(verdict: Verdict) -> dict[str, Any]:
    """Return what the probe found."""
    data = to_data(verdict)
    for device in data["devices"]:
        del device["uuid"]  # it identifies the machine, and does not help to find a problem
    kept = ("status", "fault", "reason", "remedy", "devices", "libraries", "versions", "output", "seconds")
    return {**{name: data[name] for name in kept}, "cached": verdict.cached}


def _problem(error: LlamapackError) -> dict[str, str]:
    return {"what": error.what, "why": error.why, "fix": error.fix}


def _finished(report: dict[str, Any]) -> dict[str, Any]:
    return {name: shortened(value) for name, value in report.items()}


def home_folders() -> tuple[str, ...]:
    """Return the paths of the home folder, the longest first: as configured, and with symbolic links resolved."""
    try:
        home = Path.home()
    except RuntimeError:  # the user has no home folder, as under a random user id in a container
        return ()
    names = {str(home), str(home.resolve())} - {os.sep, "."}
    return tuple(sorted(names, key=len, reverse=True))


def shortened(value: Any, homes: Sequence[str] | None = None) -> Any:
    """Return the report with the home folder written as `~`, wherever it occurs."""
    homes = home_folders() if homes is None else homes
    if isinstance(value, str):
        for home in homes:
            value = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", value)
        return value
    if isinstance(value, Mapping):
        return {key: shortened(each, homes) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortened(each, homes) for each in value]
    return value
