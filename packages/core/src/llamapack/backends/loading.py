"""Load backends when they are first used.

If plug-ins are installed, `plugin_loader` does that; it is imported only then, because it imports most of this package.
A plug-in that cannot be used causes one BackendWarning, and the others are used.
"""

from __future__ import annotations

import os
from pathlib import Path

from llamapack.backends.cpu import load_cpu
from llamapack.backends.devices import Device, offload_devices, present_devices
from llamapack.backends.in_use import BackendsInUse
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
    if request.backends:
        from llamapack.backends.selection.select import check_names

        check_names(request, ())
    if request.require_gpu and not offload_devices():
        raise BackendError(
            "No GPU can be used, and require_gpu asks for one.", why="No backend plug-in is installed.", fix=INSTALL
        )
    return BackendsInUse(pointers=None)
