"""The variables that hide devices: CUDA_VISIBLE_DEVICES, HIP_, ROCR_ and GGML_VK_VISIBLE_DEVICES.

The libraries of the vendors obey them by themselves. They are read here to say why a device is missing, and so that one
that its vendor's variable hides, because a scheduler gave it to somebody else, is not used by way of Vulkan.

A value lists indices or UUIDs. CUDA and HIP use what stands before the first entry that is not there; `-1`, or nothing,
hides all. A MIG instance is named MIG-<UUID>, or MIG-GPU-<UUID>/<gi>/<ci>.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llamapack.backends.host.facts import HostFacts
from llamapack.backends.host.gpus import HostGpu

# In the order in which each backend's libraries apply them.
OF_BACKEND: Mapping[str, tuple[str, ...]] = {
    "cuda": ("CUDA_VISIBLE_DEVICES",),
    "rocm": ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"),
    "vulkan": ("GGML_VK_VISIBLE_DEVICES",),
}
OF_VENDOR: Mapping[str, str] = {"nvidia": "cuda", "amd": "rocm"}
# All of them, with NVIDIA's for containers and AMD's older one, which are read to explain and not obeyed here.
VISIBLE = (*(name for names in OF_BACKEND.values() for name in names), "NVIDIA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL")

_INDEX = re.compile(r"-?[0-9]{1,9}")
_UUID = re.compile(r"GPU-[0-9A-Za-z-]+", re.IGNORECASE)
_OLD_MIG = re.compile(r"MIG-(GPU-[0-9A-Za-z-]+)/(\d+)/(\d+)", re.IGNORECASE)
_NEW_MIG = re.compile(r"MIG-[0-9A-Za-z-]+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a variable lets through: PCI ids, in its order; None if only the driver knows."""

    gpus: tuple[str, ...] | None
    problem: str = ""


def settings(backend: str, variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the variables that hide devices from `backend` and are set, with their values."""
    names = OF_BACKEND.get(backend, ())
    if backend == "rocm" and "HIP_VISIBLE_DEVICES" not in variables:
        names = (*names, "CUDA_VISIBLE_DEVICES")  # HIP uses CUDA's variable if its own is not set
    return tuple((name, variables[name]) for name in names if name in variables)


def hides_all(backend: str, variables: Mapping[str, str]) -> str:
    """Return the setting, such as `CUDA_VISIBLE_DEVICES=-1`, that hides every device from `backend`, or nothing."""
    for name, value in settings(backend, variables):
        first = value.split(",")[0].strip()
        if first in ("", "-1", "NoDevFiles", "none", "void"):
            return f"{name}={value}"
    return ""


def select(value: str, gpus: Sequence[HostGpu], *, order_is_known: bool) -> Selection:
    """Return which of the `gpus`, sorted by PCI id, are visible if such a variable has this `value`.

    Unless `order_is_known`, an index cannot be resolved if there are several GPUs.
    """
    chosen: list[str] = []
    for word in (part.strip() for part in value.split(",")):
        if _INDEX.fullmatch(word):
            index = int(word)
            if not 0 <= index < len(gpus):
                problem = "" if index == -1 else f"there is no device {index}: {len(gpus)} were found"
                return Selection(gpus=tuple(chosen), problem=problem)
            if not order_is_known and len(gpus) > 1:
                return Selection(gpus=None)
            chosen.append(gpus[index].pci_id)
            continue
        found = _named(word, gpus)
        if isinstance(found, Selection):
            return found if found.gpus is None else Selection(gpus=tuple(chosen), problem=found.problem)
        chosen.append(found.pci_id)
    return Selection(gpus=tuple(dict.fromkeys(chosen)))


def _named(word: str, gpus: Sequence[HostGpu]) -> HostGpu | Selection:
    """Return the GPU with this UUID (its beginning is enough) or MIG instance; a Selection if that is not one GPU."""
    old = _OLD_MIG.fullmatch(word)
    if not old and _NEW_MIG.fullmatch(word):
        return Selection(gpus=None)  # only the driver knows which GPU the instance belongs to
    uuid = old[1] if old else word
    if not _UUID.fullmatch(uuid):
        return Selection(gpus=(), problem=f"{word!r} is neither an index nor a UUID")
    if not all(gpu.uuid for gpu in gpus):
        return Selection(gpus=None)
    found = [gpu for gpu in gpus if gpu.uuid.lower().startswith(uuid.lower())]
    if len(found) != 1:
        return Selection(gpus=(), problem=f"{word!r} names {len(found)} of the {len(gpus)} devices")
    instance = f"gi{old[2]}/ci{old[3]}" if old else ""
    if instance and instance not in found[0].mig:
        return Selection(gpus=(), problem=f"{word!r} names a MIG instance that is not there")
    return found[0]


def visible_gpus(vendor: str, host: HostFacts) -> Selection | None:
    """Return what the variables of the vendor's own backend let through; None if none of them is set."""
    backend = OF_VENDOR.get(vendor, "")
    present = host.of_vendor(vendor)
    given = [(name, value) for name, value in settings(backend, host.variables) if name in OF_BACKEND.get(backend, ())]
    if not given:
        return None
    if hides_all(backend, dict(given)):
        return Selection(gpus=())
    selection = Selection(gpus=tuple(gpu.pci_id for gpu in present))
    for _, value in given:
        if selection.gpus is None or selection.problem:
            break
        left = [gpu for pci_id in selection.gpus for gpu in present if gpu.pci_id == pci_id]
        selection = select(value, left, order_is_known=_order_is_known(vendor, left, host))
    return selection


def _order_is_known(vendor: str, gpus: Sequence[HostGpu], host: HostFacts) -> bool:
    """Return whether indices follow the PCI bus; CUDA puts the fastest first, unless a variable forbids it."""
    if vendor != "nvidia" or host.variables.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        return True
    return len({gpu.name for gpu in gpus}) == 1
