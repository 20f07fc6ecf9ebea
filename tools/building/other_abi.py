"""Build the core wheel with another ABI, to test a plug-in that was not upgraded with it.

On Linux for x86-64 it has one custom CPU level, so that the tests also run a build for one machine.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from tools.building.build import (
    CUSTOM,
    FLAGS_VARIABLE,
    LEVELS_VARIABLE,
    build_environment,
    forget_another_compiler,
    make_wheel,
)
from tools.building.wheels import host_build
from tools.matrix import host_target, load_matrix
from tools.paths import BUILD, CORE
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.disk import require_space
from tools.util.files import locked

log = logging.getLogger(f"llamapack.{__name__}")

COPIES = "GGML_SCHED_MAX_COPIES"
"""Changes the size of ggml's scheduler, and with it the ABI id; only ggml itself is compiled again."""


def one_level(target: str) -> dict[str, str]:
    """Return variables for a build with one CPU level: flags that numpy requires as well, or the lowest level."""
    if target == "linux-x86_64":
        return {LEVELS_VARIABLE: CUSTOM, FLAGS_VARIABLE: "-msse4.2"}
    return {LEVELS_VARIABLE: load_matrix().levels_of(target)[0].name}


def rebuilt_core() -> Path:
    """Return a core wheel of this version with another ABI id and one CPU level; it is built only once."""
    defines = {**one_level(host_target()), COPIES: "2"}
    build = replace(host_build(), kit=Kit(inputs=defines, defines=defines))
    folder = BUILD / "rebuilt"
    # At the same depth as the usual folder, so that relative paths are the same for the compiler cache.
    cmake = BUILD / f"{build.id}-rebuilt"
    stamp = folder / "inputs.json"
    with locked(BUILD / "rebuilt.lock"):
        inputs = build.inputs()
        if stamps.changed(stamp, inputs) or not list(folder.glob("*.whl")):
            require_space(BUILD, 512, purpose="the core wheel for another ABI")
            log.info("Building the core wheel for another ABI")
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("*.whl"):
                old.unlink()
            environment = build_environment(build)
            forget_another_compiler(build.toolchain, cmake)
            make_wheel(build, environment, package=CORE, folder=cmake, out=folder)
            stamps.write(stamp, inputs)
    return next(folder.glob("*.whl"))
