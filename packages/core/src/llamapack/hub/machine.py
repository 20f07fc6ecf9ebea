"""Whether this machine has memory for a model at all: what it cannot hold is not worth gigabytes of download."""

from __future__ import annotations

from llamapack._util.memory import total_memory
from llamapack.errors import ModelMemoryError
from llamapack.hub.choosing import shown_size


def check_fits(name: str, size: int) -> None:
    """Raise ModelMemoryError if a model of `size` bytes is larger than all memory of this machine and its GPUs."""
    memory = total_memory()
    if size <= memory:
        return
    memory += device_memory()  # which takes a process that tries the plug-ins: only for the largest models
    if size > memory:
        raise ModelMemoryError(
            f"{name} does not fit this machine: it has {shown_size(size)}.",
            why=f"Machine and GPUs have {shown_size(memory)} of memory together.",
            fix="Name a smaller quantization or model. To download it all the same: llamapack pull --anyway.",
        )


def device_memory() -> int:
    """Return how many bytes of memory the GPUs have that llamapack can use, and that is their own."""
    from llamapack.backends.cpu import choose_cpu
    from llamapack.backends.survey import Survey

    found: dict[str, int] = {}
    for verdict in Survey.begin().verdicts(None, choose_cpu().level.path):
        for device in verdict.devices if verdict.usable else ():
            if device.kind == "gpu" and not device.software:
                key = device.pci_id or f"{verdict.name} {device.name}"
                found[key] = max(found.get(key, 0), device.memory_total)
    return sum(found.values())
