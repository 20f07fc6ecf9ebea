"""Which hardware is used, and why: CPU levels, plug-ins, devices.

contract           What a plug-in says of itself: a frozen record, read from the `backend.json` beside its one library.
verdicts           Verdicts: whether a backend can be used, why not, and what mends it. Every plug-in that was found get
cpu                CPU levels: one library for each set of instructions, all in the wheel. The best that this processor
devices            Devices: what ggml can compute on in this process. The CPU is always there.
host               What this machine has: processor, GPUs, drivers, libraries.
plugins            Find installed plug-ins and check that they fit this core.
probing            Run the code of plug-ins in child processes only, and remember what came of it.
children           Run child processes, and end them with everything that they started.
selection          Choose which backends to load, with a reason for each.
in_use             The backends that a model uses, and the warnings about them.
loading            Load backends when they are first used. Where no plug-in is installed, that is all there is to it.
plugin_loader      Use the plug-ins that are installed: try, choose, load by absolute path, compare once more, register.
survey             What is known of the installed plug-ins: found, compared, and tried in child processes, each once per
runtime_libraries  Find the runtime libraries that a plug-in needs and that other wheels bring, such as NVIDIA's.
interpreter        Find the Python that runs the probe. `sys.executable` is not always one: programs embed Python or fre
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
