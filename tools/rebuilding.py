"""Build the core wheel for another ABI: what a user has who upgrades it and leaves a plug-in as it is.

It has one CPU level of one's own flags, so that a build for one machine is run, too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tools import stamps
from tools.disk import require_space
from tools.files import locked
from tools.kit import Kit
from tools.live import Say, quiet
from tools.matrix import host_target
from tools.paths import CORE, ROOT
from tools.wheels import CUSTOM, FLAGS_VARIABLE, LEVELS_VARIABLE, host_build, make_wheel, workshop

COPIES = "GGML_SCHED_MAX_COPIES"
"""Changes the size of ggml's scheduler, and with it the ABI id; only ggml itself is compiled again."""


def own_flags(target: str) -> str:
    """Return flags that any machine of `target` runs, if it runs these tests; none make the bare baseline."""
    return "-msse4.2" if target.endswith("x86_64") else ""


def rebuilt_core(say: Say = quiet) -> Path:
    """Return a core wheel of this version, with another ABI id and the level `custom` alone; built once."""
    defines = {LEVELS_VARIABLE: CUSTOM, FLAGS_VARIABLE: own_flags(host_target()), COPIES: "2"}
    build = replace(host_build(say=say), kit=Kit(inputs=defines, defines=defines))
    folder = ROOT / "build" / "rebuilt"
    cmake = ROOT / "build" / f"{build.id}-rebuilt"  # as deep as the usual one, for the compiler cache
    stamp = folder / "inputs.json"
    with locked(ROOT / "build" / "rebuilt.lock"):
        inputs = build.inputs()
        if stamps.changed(stamp, inputs) or not list(folder.glob("*.whl")):
            require_space(ROOT / "build", 512, purpose="the core wheel for another ABI")
            say("Building the core wheel for another ABI")
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("*.whl"):
                old.unlink()
            shop = workshop(build, say)
            make_wheel(build, shop, package=CORE, folder=cmake, out=folder)
            stamps.write(stamp, inputs)
    return next(folder.glob("*.whl"))
