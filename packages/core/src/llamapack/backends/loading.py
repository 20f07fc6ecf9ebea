"""Load backends when they are first used.

If plug-ins are installed, `plugin_loader` does that; it is imported only then, because it imports most of this package.
A plug-in that cannot be used causes one BackendWarning, and the others are used.
"""

from __future__ import annotations

import os
from pathlib import Path

from llamapack.backends.cpu import load_cpu
from llamapack.backends.devices import Device, offload_devices, present_devices
from llamapack.backends.in_use import BackendsElsewhere, BackendsInUse
from llamapack.backends.plugins.entry_points import installed_plugins
from llamapack.backends.selection.request import INSTALL, Request, read_request
from llamapack.errors import BackendError


def devices() -> tuple[Device, ...]:
    """List the devices of this process: the CPU, and those of the backends that LLAMAPACK_BACKENDS allows."""
    use_backends(read_request(None, None, False, os.environ), load_cpu().level.path)
    return present_devices()


def use_backends(request: Request, cpu: Path) -> BackendsInUse:
    """Load the backends that `request` leads to on this machine; `cpu` is the library of the CPU level in use.

    Raises BackendError and InputError as `selection.select.choose` does, and warns with BackendWarning.
    """
    if request.cpu_only:
        return BackendsInUse(pointers=())
    if installed_plugins():
        from llamapack.backends.plugin_loader import use_plugins

        return use_plugins(request, cpu)
    _check_without_plugins(request)
    if request.require_gpu and not offload_devices():
        raise _no_gpu()
    return BackendsInUse(pointers=None)


def choose_backends(request: Request, cpu: Path) -> BackendsElsewhere:
    """Choose the backends that `request` leads to on this machine, for another process; nothing is loaded here.

    Raises and warns as `use_backends` does.
    """
    if request.cpu_only:
        return BackendsElsewhere(devices=())
    if not installed_plugins():
        _check_without_plugins(request)
        if request.require_gpu:
            raise _no_gpu()
        return BackendsElsewhere()
    from llamapack.backends.plugin_loader import choose_plugins

    choice, plugins = choose_plugins(request, cpu)
    named = tuple(device.name for device in choice.used)
    probed = {device.backend for device in choice.devices}
    return BackendsElsewhere(
        choice=choice,
        preload=tuple(path for plugin in plugins for path in plugin.preload),
        libraries=tuple(plugin.library for plugin in plugins),
        devices=named if all(plugin.name in probed for plugin in plugins) else request.devices,
    )


def _check_without_plugins(request: Request) -> None:
    if request.backends:
        from llamapack.backends.selection.select import check_names

        check_names(request, ())


def _no_gpu() -> BackendError:
    return BackendError(
        "No GPU can be used, and require_gpu asks for one.", why="No backend plug-in is installed.", fix=INSTALL
    )
