"""Which hardware is used, and why: CPU levels, plug-ins, devices.

loading            Load backends when they are first used.
plugin_loader      Use the installed plug-ins: probe them, choose, load, check once more, register.
in_use             The backends that a model uses, and the warnings about them.
survey             Collect what is known about the installed plug-ins: they are described, checked and probed.
devices            What ggml can compute on in this process.
cpu                CPU levels: one library for each set of instructions; the best one that runs here is used.
probing            Run the code of plug-ins in child processes only, and remember what came of it.
selection          Choose which backends to load, with a reason for each.
plugins            Find installed plug-ins, and check that they fit this llamapack.
host               What this machine has: processor, GPUs, drivers, libraries.
verdicts           Whether a backend can be used, why not, and how to fix it.
contract           How a plug-in describes itself.
children           Run child processes, and end them with everything that they started.
runtime_libraries  Find the runtime libraries that a plug-in needs and that other wheels contain, such as NVIDIA's.
interpreter        Find the Python interpreter for child processes.
versions           Versions, compared as numbers: 580.9 is older than 580.65.
foreign            Other copies of ggml in the process; the code is in `llamapack.backends.host.foreign_libraries`.
"""

from __future__ import annotations

__all__ = [
    "children",
    "contract",
    "cpu",
    "devices",
    "foreign",
    "host",
    "in_use",
    "interpreter",
    "loading",
    "plugin_loader",
    "plugins",
    "probing",
    "runtime_libraries",
    "selection",
    "survey",
    "verdicts",
    "versions",
]
