"""What llama.cpp was built with and found on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from llamapack._native.library import native
from llamapack.backends.devices import Device
from llamapack.backends.loading import devices
from llamapack.diagnostics.core_facts import CoreFacts, core_facts

_lock = threading.Lock()  # llama_print_system_info returns one buffer to all


@dataclass(frozen=True, kw_only=True)
class SystemInfo(CoreFacts):
    """The core, the backends with their features, the devices, and what is chosen for this process."""

    devices: tuple[Device, ...]
    features: Mapping[str, Mapping[str, str]]  # by backend
    supports_mmap: bool
    supports_mlock: bool
    supports_gpu_offload: bool

    def __str__(self) -> str:
        """Return the facts as text, one per line."""
        lines = [
            f"llama.cpp {self.llama_cpp}, ABI {self.abi_id}, on {self.platform}",
            f"CPU level {self.cpu.level.name}: {self.cpu.reason}",
            f"threads: {self.threads.count}, because: {self.threads.reason}",
            *(f"device {one.name} ({one.kind}): {one.description}" for one in self.devices),
            *(f"{backend}: {_shown(features)}" for backend, features in self.features.items()),
        ]
        return "\n".join(lines)


def system_info() -> SystemInfo:
    """Return what llama.cpp and this package know about the machine; loads the backends, as `devices` does."""
    core, bound = core_facts(), native()
    with _lock:
        printed = bound.llama_print_system_info() or b""
    return SystemInfo(
        **vars(core),
        devices=devices(),
        features=parse_features(printed.decode("utf-8", "replace")),
        supports_mmap=bound.llama_supports_mmap(),
        supports_mlock=bound.llama_supports_mlock(),
        supports_gpu_offload=bound.llama_supports_gpu_offload(),
    )


def parse_features(printed: str) -> dict[str, dict[str, str]]:
    """Parse llama.cpp's line, such as `CPU : AVX = 1 | AVX2 = 1 | CUDA : ARCHS = 900 | `."""
    found: dict[str, dict[str, str]] = {}
    backend = ""
    for part in printed.split(" | "):
        name, _, rest = part.rpartition(" : ")
        backend = name.strip() or backend
        feature, _, value = rest.partition(" = ")
        if feature.strip():
            found.setdefault(backend, {})[feature.strip()] = value.strip()
    return found


def _shown(features: Mapping[str, str]) -> str:
    return ", ".join(name if value == "1" else f"{name}={value}" for name, value in features.items())
