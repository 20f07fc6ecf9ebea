"""Prove the ROCm and the Metal plug-in: on their devices, or where there are none as far as it goes without."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

from tools.building import wheels
from tools.errors import ToolError
from tools.paths import BUILD, ROOT
from tools.platforms.host import How
from tools.sessions import plugins
from tools.sessions.common import SCRATCH, run_pytest
from tools.toolkits import gpu_architectures, rocm
from tools.util import inherited
from tools.util.cmd import run_live
from tools.util.files import remove_tree
from tools.util.venv import ensure_environment
from tools.verification import results

FEW_ROCM = "gfx90a,gfx1100"
"""What is compiled where no GPU says more: one of AMD's two families of processors each."""
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--config-file", "/dev/null", "--rootdir")


def prove_rocm(session: nox.Session) -> None:
    """Run on this machine's AMD GPUs, built for them; without one compile, audit and load it, and skip the rest."""
    found, own = rocm.gpus(), rocm.system_rocm()
    with gpu_architectures.unless_named("rocm", ",".join(found) or FEW_ROCM):
        if found and own:
            plugins.prove_plugin(session, "rocm")
            return
        words, recording = results.begin(session.posargs)
        results.refuse_others(recording, words)
        lack = "an AMD GPU, but no ROCm," if found else "no AMD GPU"
        if plugins.PREBUILT in words:
            raise ToolError(f"{plugins.PREBUILT} is for a machine with a GPU to run on.", why=f"This one has {lack}.")
        core, plugin = wheels.core_wheel(session.log), wheels.host_wheel("rocm", session.log)
        plugins.look_into(session, "rocm", core, plugin, whole=bool(recording))
        if loads := not (found or own):  # what is said of it is known of machines that have neither
            _load_in(rocm.forky_root(session.log), (core, plugin), words)
    if recording:
        plugins.record(recording, "rocm", plugin, How.LOADED if loads else How.COMPILED)
    done = "compiled, audited, and loaded without a GPU" if loads else "compiled and audited"
    session.skip(f"It is {done}. This machine has {lack} to run it on.")


def prove_metal(session: nox.Session) -> None:
    """Run on this Mac's GPU; elsewhere run what of tests/devices/metal needs none, and skip the rest."""
    if sys.platform == "darwin":
        plugins.prove_plugin(session, "metal")
        return
    words, recording = results.begin(session.posargs)
    if recording:
        raise ToolError(f"{results.OPTION} is for a Mac: nothing is compiled here that could be recorded.")
    place = ensure_environment(["audit", "build", "test", "zig"], folder=BUILD / "test-metal", say=session.log)
    run_pytest(session, str(ROOT / "tests" / "devices" / "metal"), *words, env={}, python=place.python)
    session.skip("What can be checked without a Mac is right. The plug-in is compiled and run on Macs only.")


def _load_in(folder: Path, parts: tuple[Path, Path], words: Sequence[str]) -> None:
    """Install the wheels in the root in `folder`, which has ROCm, in either order; run tests/devices/rocm."""
    site, pip = SCRATCH / "rocm", ensure_environment(["build"]).packages
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    paths = f"pythonpath={shlex.quote(str(ROOT))}"
    tests = [*PYTEST, str(ROOT), "--override-ini", paths, str(ROOT / "tests" / "devices" / "rocm"), *words]
    for order in (parts, parts[::-1]):
        remove_tree(site)
        site.mkdir(parents=True)
        steps = [([*install, str(part)], pip, "installed") for part in order]
        for python, packages, what in (*steps, (tests, site, "loaded")):
            settings = {"PYTHONPATH": str(packages), "LLAMAPACK_TEST_ROOT": str(folder), inherited.GIVEN: "PYTHONPATH"}
            command = rocm.in_forky(folder, ["python3", *python], settings, SCRATCH)
            run_live(command, what=f"The ROCm wheel could not be {what} in {folder}", env=os.environ)
