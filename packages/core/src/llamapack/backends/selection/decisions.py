"""What was chosen: a record for every backend and device that was considered, with the reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DeviceDecision:
    """Whether a device is used through a backend, and why."""

    backend: str
    name: str
    used: bool
    reason: str
    remedy: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class BackendDecision:
    """Whether the library of a backend is loaded, and why."""

    name: str
    package: str
    loaded: bool
    reason: str
    remedy: str = ""
    broken: bool = False  # it was refused, or failed its probe


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is used, what is not, and why; in the order of use."""

    backends: tuple[BackendDecision, ...] = ()
    devices: tuple[DeviceDecision, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[DeviceDecision, ...]:
        """The devices that layers go to; llama.cpp counts them from 0 in this order."""
        return tuple(device for device in self.devices if device.used)
