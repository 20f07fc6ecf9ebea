"""Choose backends and devices: a pure function of the request, the verdicts and facts of the machine.

The rules, in this order:

1. Backends and devices that are named are used, and no others; a name that does not exist is an error.
2. A device is used through one backend only, the first of cuda, rocm, metal, vulkan that it works with; what tells
   that two are the same is the PCI id, or else the UUID.
3. Integrated GPUs are used if there is no discrete one, and only those of one backend.
4. A device in software, such as Mesa's lavapipe, is used only if it, or its backend, is named.
5. Falling back to the CPU although a plug-in is installed is a warning, or with `require_gpu` an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from llamapack._util.arguments import did_you_mean
from llamapack.backends.host.facts import HostFacts
from llamapack.backends.host.visible_devices import settings
from llamapack.backends.selection.candidates import ORDER, DeviceCandidate, find_candidates, in_order, needs_of
from llamapack.backends.selection.decisions import BackendDecision, Choice, DeviceDecision
from llamapack.backends.selection.diagnosis import explain_no_device
from llamapack.backends.selection.request import INSTALL, Request
from llamapack.backends.verdicts import Fault, Status, Verdict
from llamapack.errors import BackendError, InputError

_ON_THE_CPU = "No GPU is used; the model runs on the CPU."


def choose(request: Request, verdicts: Sequence[Verdict], host: HostFacts) -> Choice:
    """Return the choice for `request`; if several `verdicts` have the same name, at most one of them is usable.

    Raises BackendError for a backend that is not there, and with `require_gpu` if no GPU can be used; InputError for
    a device that is not there.
    """
    check_names(request, [verdict.name for verdict in verdicts])
    names = in_order([verdict.name for verdict in verdicts])
    asked = sorted(
        (verdict for verdict in verdicts if request.backends is None or verdict.name in request.backends),
        key=lambda verdict: names.index(verdict.name),
    )
    candidates = [each for each in find_candidates(verdicts, host) if each.backend in {one.name for one in asked}]
    if request.devices is not None:
        devices = _named(request.devices, candidates, asked)
    else:
        devices = _automatic(request, candidates)
    backends = tuple(_decide(verdict, devices, host) for verdict in asked)
    choice = Choice(backends=backends, devices=tuple(devices))
    open_ends = any(verdict.usable and not verdict.devices for verdict in asked)  # it was not probed
    if request.require_gpu and not choice.used and not open_ends:
        raise no_gpu(choice)
    return replace(choice, warnings=() if open_ends else tuple(_warn(choice)))


def check_names(request: Request, installed: Sequence[str]) -> None:
    """Refuse backends that are unknown or not installed."""
    for name in request.backends or ():
        if name in installed:
            continue
        if name in ORDER:
            raise BackendError(
                f"The backend {name!r} ({request.source}) is not installed.",
                fix=f'Run: python -m pip install "llamapack[{name}]"',
            )
        valid = ["auto", "cpu", *in_order(list({*ORDER, *installed}))]
        raise BackendError(
            f"There is no backend {name!r} ({request.source}).",
            why=did_you_mean(name, valid),
            fix=f"Use one of: {', '.join(valid)}.",
        )


def no_gpu(choice: Choice) -> BackendError:
    """Return the error that a GPU is required and none can be used, with all known reasons."""
    reasons = list(_reasons(choice))
    remedies = _remedies(choice)
    return BackendError(
        "No GPU can be used, and require_gpu asks for one.",
        why="\n".join(reasons) or "No backend plug-in is installed.",
        fix=(instruction(remedies[0]) if remedies else "Run: llamapack doctor") if reasons else INSTALL,
    )


def instruction(remedy: str) -> str:
    """Return a remedy as an instruction: commands begin with `Run: `."""
    return f"Run: {remedy}" if remedy.startswith("python -m ") else remedy


def _named(
    names: Sequence[str], candidates: Sequence[DeviceCandidate], asked: Sequence[Verdict]
) -> list[DeviceDecision]:
    """Use the devices of these names, in their order; "CPU" is always used and needs none."""
    found = {each.device.name: each for each in candidates}
    used = []
    for name in dict.fromkeys(names):
        if name == "CPU":
            continue
        if name not in found:
            if any(verdict.usable and not verdict.devices for verdict in asked):
                continue  # a backend that was not probed may have it
            raise InputError(
                f"There is no device {name!r}.",
                why=f"There are: {', '.join(['CPU', *found])}.",
                fix="Name one of these, or install the plug-in of the GPU.",
            )
        if found[name].objection:
            raise BackendError(f"The device {name} cannot be used.", why=found[name].objection, fix=found[name].remedy)
        used.append(_decision(found[name], used=True, reason="named by devices"))
    rest = [each for each in candidates if each.device.name not in names]
    return used + [_decision(each, used=False, reason=each.objection or "not named by devices") for each in rest]


def _automatic(request: Request, candidates: Sequence[DeviceCandidate]) -> list[DeviceDecision]:
    """Apply the rules to each device, in the order of the backends."""
    taken: dict[str, str] = {}  # PCI id or UUID: the backend that has it
    decisions = []
    for each in candidates:
        reason = each.objection or _objection_to(each, request, taken)
        decisions.append((each, reason))
        if not reason:
            taken |= dict.fromkeys(_identities(each), each.backend)
    discrete = any(each.device.kind == "gpu" for each, reason in decisions if not reason)
    first = next((each.backend for each, reason in decisions if not reason and each.device.kind == "igpu"), "")
    return [
        _decision(each, used=True, reason=_reason_to_use(each))
        if not (why := reason or _objection_to_integrated(each, discrete, first))
        else _decision(each, used=False, reason=why)
        for each, reason in decisions
    ]


def _objection_to(each: DeviceCandidate, request: Request, taken: Mapping[str, str]) -> str:
    if each.device.kind == "accel":
        return "It helps the CPU by itself; no layers are put on it."
    if each.device.software and request.backends is None:
        return "It is a GPU emulated by the CPU, and used only if it, or its backend, is named."
    holder = next((taken[name] for name in _identities(each) if name in taken), each.backend)
    return f"It is used through {holder} already." if holder != each.backend else ""


def _identities(each: DeviceCandidate) -> list[str]:
    """Return the ids by which two devices are recognized as one: PCI id and UUID, in one form for all backends."""
    uuid = (each.device.uuid or "").lower().removeprefix("gpu-").replace("-", "")
    return [name for name in ((each.device.pci_id or "").lower(), uuid) if name]


def _objection_to_integrated(each: DeviceCandidate, discrete: bool, first: str) -> str:
    if each.device.kind != "igpu":
        return ""
    if discrete:
        return "It is integrated, and there is a discrete GPU."
    return f"It is integrated, and {first} has one already." if each.backend != first else ""


def _reason_to_use(each: DeviceCandidate) -> str:
    if each.device.software:
        return "a device in software, whose backend is named"
    return "integrated GPU, and there is no discrete one" if each.device.kind == "igpu" else "GPU"


def _decision(each: DeviceCandidate, *, used: bool, reason: str) -> DeviceDecision:
    return DeviceDecision(
        backend=each.backend,
        name=each.device.name,
        used=used,
        reason=reason,
        remedy="" if used or reason != each.objection else each.remedy,
        note=each.note if used else "",
    )


def _decide(verdict: Verdict, devices: Sequence[DeviceDecision], host: HostFacts) -> BackendDecision:
    """Decide whether the library is loaded: for its devices, or for accelerators that help the CPU."""
    loaded, reason, remedy = False, verdict.reason, verdict.remedy
    own = [device for device in devices if device.backend == verdict.name]
    if verdict.status is Status.NO_DEVICE:
        finding = explain_no_device(verdict.name, needs_of(verdict), host, verdict.reason)
        reason, remedy = finding.reason, finding.remedy
    elif verdict.fault in (Fault.LOADING, Fault.CRASH) and (given := settings(verdict.name, host.variables)):
        words = " and ".join(f"{name}={value}" for name, value in given)
        remedy = f"Check {words}: it may name a device that is not there. Else: {verdict.remedy}"
    elif verdict.usable and not verdict.devices:
        loaded, reason = True, verdict.reason or "not probed"
    elif verdict.usable:
        names = [device.name for device in own if device.used]
        helpers = [device.name for device in verdict.devices if device.kind == "accel"]
        loaded = bool(names or helpers)
        reason = f"for {', '.join(names or helpers)}" if loaded else "none of its devices is used"
    return BackendDecision(
        name=verdict.name,
        package=verdict.package,
        loaded=loaded,
        reason=reason,
        remedy="" if loaded else remedy,
        broken=verdict.status in (Status.REFUSED, Status.BROKEN),
    )


def _reasons(choice: Choice) -> Iterator[str]:
    for backend in choice.backends:
        devices = [device for device in choice.devices if device.backend == backend.name and not device.used]
        if devices and not backend.broken:
            yield from (f"{backend.name}, {device.name}: {device.reason}" for device in devices)
        else:
            yield f"{backend.name}: {backend.reason}"


def _remedies(choice: Choice) -> list[str]:
    every = [*(backend.remedy for backend in choice.backends), *(device.remedy for device in choice.devices)]
    return [remedy for remedy in every if remedy]


def _warn(choice: Choice) -> Iterator[str]:
    """Yield warnings: broken plug-ins, unsupported overrides, the CPU although a plug-in is installed."""
    broken = [backend for backend in choice.backends if backend.broken]
    for backend in broken:
        end = "" if choice.used or backend is not broken[-1] else _ON_THE_CPU
        yield "\n".join(filter(None, [f"{backend.name}: {backend.reason}", instruction(backend.remedy), end]))
    for device in choice.used:
        if device.note:
            yield f"The device {device.name} {device.note}. AMD does not support that."
    others = replace(choice, backends=tuple(each for each in choice.backends if not each.broken))
    if others.backends and not choice.used:
        remedies = _remedies(others)
        fix = instruction(remedies[0]) if remedies else ""
        yield "\n".join(filter(None, [_ON_THE_CPU, *_reasons(others), fix]))
