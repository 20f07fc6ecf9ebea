"""Turn what a probe left behind into a verdict: what happened, why, and what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llamapack._native.library import library_dir, read_abi
from llamapack.backends.children.exit_status import describe_crash
from llamapack.backends.children.processes import ProcessResult
from llamapack.backends.contract import BackendPlugin, reinstall_command
from llamapack.backends.host.binaries.missing import MissingLibrary, missing_libraries
from llamapack.backends.host.visible_devices import VISIBLE
from llamapack.backends.plugins.compatibility import check_exported_id
from llamapack.backends.verdicts import (
    TOLERANCE,
    Fault,
    ProbedDevice,
    Status,
    Verdict,
    Versions,
    device_from_data,
    versions_from_data,
)
from llamapack.backends.versions import is_older

# The first part of a file's name, and where the library comes from.
_SOURCES = {
    "libvulkan": "the Vulkan loader (package libvulkan1 or vulkan-loader, or the driver of the GPU)",
    "vulkan-1": "the Vulkan loader, which comes with the driver of the GPU",
    "libcuda.": "NVIDIA's driver",
    "nvcuda": "NVIDIA's driver",
    "libcudart": "NVIDIA's CUDA runtime",
    "libcublas": "NVIDIA's cuBLAS",
    "libamdhip": "AMD's ROCm",
    "librocblas": "AMD's ROCm",
    "libhipblas": "AMD's ROCm",
    "amdhip64": "AMD's HIP SDK, or the driver of the GPU",
    "rocblas": "AMD's HIP SDK",
    "hipblas": "AMD's HIP SDK",
    "libggml": "llamapack itself: reinstall it with the plug-in",
    "libstdc++": "the C++ runtime of the system (package libstdc++6 or libstdc++)",
    "vcruntime": "Microsoft's Visual C++ runtime",
    "msvcp": "Microsoft's Visual C++ runtime",
}


@dataclass(frozen=True, kw_only=True)
class _ProbeReport:
    """What the probe reported, as far as it can be read."""

    step: str = ""
    result: dict[str, Any] | None = None
    fault: str | None = None
    reason: str = ""
    nonsense: str = ""


def decode(ended: ProcessResult, plugin: BackendPlugin | None, name: str, seconds: float) -> Verdict:
    """Return the verdict of the probe of `plugin`, or of the CPU level `name`, which had `seconds`."""
    return replace(_judge(ended, plugin, name, seconds), seconds=round(ended.seconds, 3), output=ended.output)


def _judge(ended: ProcessResult, plugin: BackendPlugin | None, name: str, seconds: float) -> Verdict:
    answer = _read(ended.report)
    while_doing = f" while {answer.step}" if answer.step else ""

    def broken(fault: Fault, what: str) -> Verdict:
        reason = f"{_title(plugin, name)} is not used: {what}"
        return _verdict(plugin, name, Status.BROKEN, fault=fault, reason=reason, remedy=_remedy(plugin, fault))

    if ended.status is None:
        return broken(Fault.TIMEOUT, f"its probe was not done after {seconds:g} s and was ended{while_doing}")
    if crash := describe_crash(ended.status):
        return broken(Fault.CRASH, f"its probe crashed{while_doing}: {crash}")
    if answer.nonsense:
        return broken(Fault.NONSENSE, f"its probe answered {answer.nonsense}{while_doing}, which cannot be read")
    if answer.fault == Fault.CRASH:
        return broken(Fault.CRASH, f"its probe crashed{while_doing}: {answer.reason}")
    if answer.fault is not None:
        return _explain(plugin, answer) or broken(Fault(answer.fault), ended.with_last_line(answer.reason))
    if answer.result is None or ended.status != 0:
        what = f"its probe ended without an answer{while_doing} (exit status {ended.status})"
        return broken(Fault.NO_ANSWER, ended.with_last_line(what))
    try:
        devices = tuple(map(device_from_data, answer.result["devices"]))
        libraries = tuple(map(Path, answer.result["libraries"]))
        versions = versions_from_data(answer.result.get("versions"))
    except (KeyError, TypeError, ValueError) as error:
        return broken(Fault.NONSENSE, f"its probe's answer cannot be read: {error}")
    return replace(_weigh(plugin, name, devices, versions), libraries=libraries, versions=versions)


def _read(report: bytes) -> _ProbeReport:
    answer = _ProbeReport()
    for line in report.splitlines():
        try:
            data = json.loads(line)
            known = {key: data[key] for key in data if key in ("step", "result", "fault", "reason")}
        except (ValueError, TypeError, RecursionError):
            return replace(answer, nonsense=repr(line[:60].decode("utf-8", "replace")))
        if not known or not _fits(known):
            return replace(answer, nonsense=repr(line[:60].decode("utf-8", "replace")))
        answer = replace(answer, **known)
    return answer


def _fits(known: dict[str, Any]) -> bool:
    faults = {str(fault) for fault in Fault}
    return (
        all(isinstance(known.get(key, ""), str) for key in ("step", "reason", "fault"))
        and isinstance(known.get("result", {}), dict)
        and known.get("fault", str(Fault.LOADING)) in faults
    )


def _explain(plugin: BackendPlugin | None, answer: _ProbeReport) -> Verdict | None:
    """Return a more precise verdict than the probe's on a library that was not loaded; None if there is none."""
    if plugin is None:
        return None
    if answer.fault == Fault.EXPORTED_ID:
        return check_exported_id(plugin, answer.reason)
    if answer.fault == Fault.MISSING_SYMBOL:
        what, remedy = f"{plugin.title} is not used: {answer.reason}", reinstall_command(plugin.package)
        return Verdict.of(plugin, Status.REFUSED, what, fault=Fault.MISSING_SYMBOL, remedy=remedy)
    missing = find_missing(plugin) if answer.fault == Fault.LOADING else ()
    if not missing:
        return None
    what = f"{plugin.title} is not used: {describe_missing(missing)}"
    remedy = "; ".join(dict.fromkeys(_source(each.name) for each in missing))
    return Verdict.of(plugin, Status.BROKEN, what, fault=Fault.MISSING_LIBRARY, remedy=remedy)


def find_missing(plugin: BackendPlugin) -> tuple[MissingLibrary, ...]:
    """List the libraries that the plug-in's library needs and that are not found; empty if it cannot be read."""
    own = library_dir()
    loaded = [path.name for path in (*own.glob(f"*{read_abi().abi_id}*"), *plugin.preload)]
    found: list[MissingLibrary] = []
    for path in (*plugin.preload, plugin.library):
        try:
            found += missing_libraries(path, beside=(own,), provided=loaded)
        except (OSError, ValueError):
            continue
    return tuple(found)


def describe_missing(missing: Iterable[MissingLibrary]) -> str:
    """Return the names of the missing libraries and of those that need them."""
    names = [f"{each.name} (needed by {each.needed_by.name})" for each in missing]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not found"


def _source(name: str) -> str:
    source = next((source for start, source in _SOURCES.items() if name.lower().startswith(start)), None)
    return f"Install {source}" if source else f"Install what brings {name}"


def _weigh(
    plugin: BackendPlugin | None, name: str, devices: Sequence[ProbedDevice], versions: Versions | None
) -> Verdict:
    """Return the verdict on the results of the devices."""
    if plugin and versions and is_older(versions.runtime, plugin.toolkit):
        what = f"{_title(plugin, name)} is not used: {versions.explain(plugin.toolkit)}"
        remedy = "python -m pip install --upgrade nvidia-cuda-runtime nvidia-cublas"
        return _verdict(plugin, name, Status.BROKEN, fault=Fault.VERSION, reason=what, remedy=remedy)
    wrong = [device for device in devices if not device.correct]
    says = "; ".join(_say_wrong(device, "Python" if plugin is None else "the CPU") for device in wrong)
    if not devices:
        fit = f"; {versions.explain(plugin.toolkit)}" if plugin and versions else ""
        what = f"{_title(plugin, name)} finds no device{fit}{_visible()}"
        return _verdict(plugin, name, Status.NO_DEVICE, reason=what, remedy=_remedy(plugin, None))
    if len(wrong) == len(devices):
        what, remedy = f"{_title(plugin, name)} is not used: {says}", _remedy(plugin, Fault.WRONG_RESULT)
        found = _verdict(plugin, name, Status.BROKEN, fault=Fault.WRONG_RESULT, reason=what, remedy=remedy)
        return replace(found, devices=tuple(devices))
    remedy = _remedy(plugin, Fault.WRONG_RESULT) if wrong else ""
    return replace(_verdict(plugin, name, Status.USABLE, reason=says, remedy=remedy), devices=tuple(devices))


def _say_wrong(device: ProbedDevice, other: str) -> str:
    errors = {"f16": device.error_f16, "quantized": device.error_quantized}
    name, error = max(((kind, error) for kind, error in errors.items() if error), key=lambda pair: pair[1])
    return (
        f"on {device.name} ({device.description}) the {name} product differs from {other}'s by {error:.2g} of "
        f"its norm, more than {TOLERANCE:g}"
    )


def _visible() -> str:
    return "".join(f"; {name} is {os.environ[name]!r}" for name in VISIBLE if name in os.environ)


def _title(plugin: BackendPlugin | None, name: str) -> str:
    return plugin.title if plugin else f"the CPU level {name}"


def _remedy(plugin: BackendPlugin | None, fault: Fault | None) -> str:
    if plugin is None:
        return (
            "Set LLAMAPACK_CPU to another level (`llamapack info` lists them), and report this with `llamapack doctor`."
        )
    if fault is None:
        return "Check that the device's driver is installed and that this user may use it."
    if fault is Fault.TIMEOUT:
        return "Set LLAMAPACK_PROBE_SECONDS=120 if the device is slow to start; else update its driver."
    if fault in (Fault.LOADING, Fault.NO_ANSWER, Fault.NONSENSE):
        return reinstall_command(plugin.package)
    return f"Update the device's driver; to do without it: python -m pip uninstall {plugin.package}"


def _verdict(
    plugin: BackendPlugin | None,
    name: str,
    status: Status,
    *,
    reason: str = "",
    remedy: str = "",
    fault: Fault | None = None,
) -> Verdict:
    package = plugin.package if plugin else "llamapack"
    return Verdict(name=name, package=package, status=status, reason=reason, remedy=remedy, fault=fault, plugin=plugin)
