"""Devices: what ggml can compute on in this process. The CPU is always one of them."""

from __future__ import annotations

from dataclasses import dataclass

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack.backends.cpu import load_cpu
from llamapack.backends.verdicts import DeviceKind
from llamapack.errors import InputError

_KINDS: dict[int, DeviceKind] = {0: "cpu", 1: "gpu", 2: "igpu", 3: "accel"}


@dataclass(frozen=True, kw_only=True)
class Device:
    """One device; memory in bytes, at the time of the list."""

    name: str
    description: str
    kind: DeviceKind
    memory_free: int
    memory_total: int
    pci_id: str | None = None


def present_devices() -> tuple[Device, ...]:
    """List the devices of the backends that are loaded; loads the CPU backend and no other."""
    load_cpu()
    bound = native()
    return tuple(describe(bound.ggml_backend_dev_get(index)) for index in range(bound.ggml_backend_dev_count()))


def offload_devices() -> tuple[Device, ...]:
    """List the devices that layers can be put on, in the order in which llama.cpp counts them."""
    return tuple(device for device in present_devices() if device.kind in ("gpu", "igpu"))


def find_offload_devices(names: list[str]) -> list[api.ggml_backend_device_p]:
    """Return the native devices called `names`; "CPU" is always used and has none.

    Raises InputError with the names that there are.
    """
    valid = [device.name for device in present_devices()]
    found = []
    for name in names:
        if name not in valid:
            raise InputError(
                f"There is no device {name!r}.",
                why=f"This process has: {', '.join(valid)}.",
                fix="Install the plug-in of the GPU, or name one of these.",
            )
        pointer = native().ggml_backend_dev_by_name(name.encode())
        if native().ggml_backend_dev_type(pointer) != api.ggml_backend_dev_type.CPU:
            found.append(pointer)
    return found


def describe(pointer: api.ggml_backend_device_p) -> Device:
    """Return the properties of a device."""
    properties = api.ggml_backend_dev_props()
    native().ggml_backend_dev_get_props(pointer, properties)
    return Device(
        name=(properties.name or b"").decode("utf-8", "replace"),
        description=(properties.description or b"").decode("utf-8", "replace"),
        kind=_KINDS.get(properties.type, "accel"),
        memory_free=properties.memory_free,
        memory_total=properties.memory_total,
        pci_id=(properties.device_id or b"").decode("ascii", "replace") or None,
    )
