"""What builds the core wheel as wheels are released: cibuildwheel, on Linux in a container."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.errors import LackingError
from tools.files import remove_tree
from tools.matrix import load_matrix
from tools.matrix_views import build_identifier
from tools.paths import CORE, ROOT
from tools.shell import run

OUTPUT = ROOT / "dist" / "cibuildwheel"
ENGINE = "CIBW_CONTAINER_ENGINE"
ENGINES = ("docker", "podman")


def engine(target: str, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variable that names the program for containers, where it is not the person's own.

    Only wheels for Linux are built in one; a machine without any is a LackingError.
    """
    if not target.startswith("linux") or variables.get(ENGINE):
        return {}
    if found := next((name for name in ENGINES if _works(name)), ""):
        return {ENGINE: found}
    what = "cibuildwheel builds for Linux in a container, and neither Docker nor Podman works on this machine."
    raise LackingError(what, fix=f'Install one of them, or build the same with zig: nox -s "wheel(cpu-{target})"')


def _works(name: str) -> bool:
    """Tell whether a program for containers is here and reaches what runs them."""
    return bool(shutil.which(name)) and run([name, "version"], check=False, timeout=60).returncode == 0


def command(target: str) -> list[str]:
    """Return what cibuildwheel is told to build for `target` into OUTPUT, which is emptied."""
    remove_tree(OUTPUT)
    words = ["--only", build_identifier(load_matrix(), target), "--output-dir", str(OUTPUT)]
    return ["-m", "cibuildwheel", *words, str(CORE.relative_to(ROOT))]


def built() -> Path:
    """Return the wheel that is there now."""
    (wheel,) = OUTPUT.glob("*.whl")
    return wheel
