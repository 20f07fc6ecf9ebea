"""One device of one backend: whether it can be used, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llamapack.backends.host.architectures import parse_gfx, runs
from llamapack.backends.host.facts import HostFacts
from llamapack.backends.host.gpus import HostGpu
from llamapack.backends.host.rocm import effective_gfx, has_no_kernels
from llamapack.backends.host.visible_devices import OF_BACKEND, OF_VENDOR, settings, visible_gpus
from llamapack.backends.selection.diagnosis import Diagnosis, Needs, no_code, no_kernels, too_old
from llamapack.backends.verdicts import ProbedDevice, Verdict
from llamapack.backends.versions import is_older

# A device is used through the first of these that works with it: the vendor's own backend knows its device best.
ORDER = ("cuda", "rocm", "metal", "vulkan")


@dataclass(frozen=True, kw_only=True)
class DeviceCandidate:
    """A device that a usable backend offers; `objection` is why it cannot be used, empty if it can."""

    backend: str
    device: ProbedDevice
    objection: str = ""
    remedy: str = ""
    note: str = ""  # a remark on a device that can be used


def in_order(names: Sequence[str]) -> list[str]:
    """Sort names of backends by ORDER; others come last, alphabetically."""
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def find_candidates(verdicts: Sequence[Verdict], host: HostFacts) -> list[DeviceCandidate]:
    """Return every device of the usable backends, those of the first backend in ORDER first."""
    usable = {verdict.name: verdict for verdict in verdicts if verdict.usable}
    return [
        judge(usable[name], device, usable, host)
        for name in in_order(list(usable))
        for device in usable[name].devices
        if device.kind != "cpu"
    ]


def judge(verdict: Verdict, device: ProbedDevice, verdicts: Mapping[str, Verdict], host: HostFacts) -> DeviceCandidate:
    """Check that the plug-in has code for `device`, that its driver is new enough, and that it is not hidden."""
    gpu = host_gpu(device, host)
    capability = effective_capability(verdict.name, device, gpu, host)
    found = _objection(verdict, device, capability, host)
    if not found and (setting := hidden_by(verdict.name, gpu, verdicts, host)):
        found = Diagnosis(reason=f"{setting} hides it.", remedy=f"Change {setting.partition('=')[0]}.")
    return DeviceCandidate(
        backend=verdict.name,
        device=device,
        objection=found.reason if found else "",
        remedy=found.remedy if found else "",
        note="" if found else _overridden(capability, gpu),
    )


def _objection(verdict: Verdict, device: ProbedDevice, capability: str | None, host: HostFacts) -> Diagnosis | None:
    if not device.correct:
        return Diagnosis(reason=verdict.reason or "it computes wrong results", remedy=verdict.remedy)
    if verdict.plugin is None:
        return None
    needs = needs_of(verdict)
    driver = device.driver or (host.nvidia_driver if verdict.name == "cuda" else None)
    if is_older(driver, needs.driver_floor):
        return too_old(driver or "", needs)
    if not runs(capability, needs.targets):
        return no_code(capability or "", needs.targets)
    if verdict.name == "rocm" and has_no_kernels(capability, host.rocm_kernels):
        return no_kernels(capability or "", needs.targets, host.rocm_kernels)
    return None


def needs_of(verdict: Verdict) -> Needs:
    """Return what the plug-in of `verdict` requires, and the versions that its probe found."""
    plugin = verdict.plugin
    if plugin is None:
        return Needs()
    return Needs(
        targets=plugin.targets,
        driver_floor=plugin.driver_floor,
        toolkit=plugin.toolkit,
        versions=verdict.versions,
    )


def host_gpu(device: ProbedDevice, host: HostFacts) -> HostGpu | None:
    """Return what the kernel knows about the device; None if it does not list it."""
    return next((gpu for gpu in host.gpus if device.pci_id and gpu.pci_id == device.pci_id.lower()), None)


def effective_capability(backend: str, device: ProbedDevice, gpu: HostGpu | None, host: HostFacts) -> str | None:
    """Return the capability that code is chosen by: on AMD, HSA_OVERRIDE_GFX_VERSION_N and the one without N decide."""
    if backend != "rocm":
        return device.capability
    return effective_gfx(gpu, host, device.capability)


def _overridden(capability: str | None, gpu: HostGpu | None) -> str:
    if not gpu or not gpu.gfx or not capability or parse_gfx(capability) in (None, parse_gfx(gpu.gfx)):
        return ""
    return f"runs as {capability.partition(':')[0]} by HSA_OVERRIDE_GFX_VERSION, but is {gpu.gfx}"


def hidden_by(backend: str, gpu: HostGpu | None, verdicts: Mapping[str, Verdict], host: HostFacts) -> str:
    """Return the setting of the vendor's own backend that hides the device; empty if there is none.

    The vendor's libraries apply it by themselves; others, such as Vulkan's, do not.
    """
    own = OF_VENDOR.get(gpu.vendor, "") if gpu else ""
    if gpu is None or not own or own == backend:
        return ""
    selection = visible_gpus(gpu.vendor, host)
    if selection is None:
        return ""
    seen = selection.gpus
    if seen is None:  # the vendor's own backend knows, if it is there
        theirs = verdicts.get(own)
        seen = tuple(one.pci_id.lower() for one in theirs.devices if one.pci_id) if theirs else ()
    return "" if gpu.pci_id in seen else _setting(own, host)


def _setting(backend: str, host: HostFacts) -> str:
    given = settings(backend, host.variables)
    return ", ".join(f"{name}={value}" for name, value in given if name in OF_BACKEND[backend])
