"""Prove the ROCm and the Metal plug-in: on their devices, or where there are none as far as it goes without."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

from tools import architectures, results, rocm, trials, wheels
from tools.environments import ensure_environment
from tools.hosts import How
from tools.live import run_live
from tools.matrix import host_target
from tools.paths import ROOT
from tools.proving import AUDIT
from tools.sessions import CLEAN, SCRATCH, run_pytest

FEW_ROCM = "gfx90a,gfx1100"
"""What is compiled where no GPU says more: one of AMD's two families of processors each."""
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--config-file", "/dev/null", "--rootdir")


def audit_plugin(session: nox.Session, wheel: Path) -> None:
    """Judge the plug-in's library by the rules of tools/audit, in an environment of its own."""
    place = ensure_environment(["audit"], folder=ROOT / "build" / "audit", say=session.log)
    session.run(str(place.python), "-c", AUDIT, str(wheel), env=CLEAN, external=True)


def prove_rocm(session: nox.Session) -> None:
    """Run on this machine's AMD GPUs, built for them; without one compile, audit and load it, and skip the rest."""
    own = rocm.system_rocm()
    if (found := rocm.gpus()) and own:
        with architectures.unless_named("rocm", ",".join(found)):
            trials.prove_plugin(session, "rocm")
        return
    words, wanted = results.without_option(session.posargs)
    lack = "no AMD GPU" if not found else "an AMD GPU, but no ROCm,"
    with architectures.unless_named("rocm", FEW_ROCM):
        wheel = wheels.host_wheel("rocm", session.log)
    audit_plugin(session, wheel)
    if not own:
        _load_in(rocm.forky_root(session.log), wheel, words, session)
    if wanted:
        results.record(f"rocm-{host_target()}", results.result_now(How.COMPILED))
    done = "compiled and audited" if own else "compiled, audited, and loaded without a GPU"
    session.skip(f"It is {done}. This machine has {lack} to run it on.")


def prove_metal(session: nox.Session) -> None:
    """Run on this Mac's GPU; elsewhere run what of tests/metal needs none, and skip the rest."""
    if sys.platform == "darwin":
        trials.prove_plugin(session, "metal")
        return
    place = ensure_environment(["audit", "build", "test", "zig"], folder=ROOT / "build" / "test-metal", say=session.log)
    run_pytest(session, str(ROOT / "tests" / "metal"), *session.posargs, env={}, python=place.python)
    session.skip("What can be checked without a Mac is right. The plug-in is compiled and run on Macs only.")


def _load_in(folder: Path, wheel: Path, words: Sequence[str], session: nox.Session) -> None:
    """Install both wheels in the root in `folder`, where ROCm's libraries are, and run tests/rocm there."""
    site = SCRATCH / "rocm"
    site.mkdir(parents=True, exist_ok=True)
    core, pip = wheels.core_wheel(session.log), ensure_environment(["build"], say=session.log).packages
    install = ["-m", "pip", "install", "--no-deps", "--no-index", "--upgrade", "--target", str(site)]
    install += [str(core), str(wheel)]
    tests = [*PYTEST, str(ROOT), str(ROOT / "tests" / "rocm"), *words]
    for python, packages, what in ((install, pip, "installed"), (tests, site, "loaded")):
        settings = {"PYTHONPATH": str(packages), "LLAMAPACK_TEST_ROOT": str(folder)}
        command = rocm.in_forky(folder, ["python3", *python], settings, SCRATCH)
        run_live(command, what=f"The ROCm wheel could not be {what} in {folder}", env=os.environ)
