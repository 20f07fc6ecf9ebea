"""The backends that a model uses, and the warnings about them. Small, because every model needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from llamapack._native import _generated as api
from llamapack._util.arguments import warn_caller
from llamapack.backends.devices import Device
from llamapack.backends.selection.decisions import Choice
from llamapack.errors import BackendWarning

_warned: set[str] = set()


@dataclass(frozen=True, kw_only=True)
class BackendsElsewhere:
    """What a request leads to in another process: the choice, the libraries to open, and the names of the devices.

    `devices` is None where llama.cpp is to take what it finds: without plug-ins, or with one that was not probed.
    """

    choice: Choice = field(default_factory=Choice)
    preload: tuple[Path, ...] = ()
    libraries: tuple[Path, ...] = ()
    devices: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class BackendsInUse:
    """What a request led to: the choice, and the devices that layers may go to, in llama.cpp's order.

    `pointers` is None if no plug-in is installed: llama.cpp then takes the devices that are registered, if any.
    """

    choice: Choice = field(default_factory=Choice)
    pointers: tuple[api.ggml_backend_device_p, ...] | None
    devices: tuple[Device, ...] = ()


def warn_once(text: str) -> None:
    """Issue a BackendWarning that points to the caller's code; the same text is warned of once per process."""
    if text in _warned:
        return
    _warned.add(text)
    warn_caller(BackendWarning(text))
