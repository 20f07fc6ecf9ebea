"""Build the core wheel with cibuildwheel; for Linux, it does so in a container."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.errors import UnavailableError
from tools.matrix import load_matrix
from tools.matrix.ci_rows import build_identifier
from tools.paths import DIST
from tools.util.cmd import run
from tools.util.files import remove_tree

OUTPUT = DIST / "cibuildwheel"
ENGINE = "CIBW_CONTAINER_ENGINE"
ENGINES = ("docker", "podman")
ZIG = 'LLAMAPACK_COMPILER=zig nox -s "wheel(cpu-{})"'


def engine(target: str, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variable that tells cibuildwheel which container engine to use; empty if the user has set it.

    Only wheels for Linux are built in a container. Raises UnavailableError if this machine has no container engine.
    """
    if not target.startswith("linux") or variables.get(ENGINE):
        return {}
    if found := next((name for name in ENGINES if _works(name)), ""):
        return {ENGINE: found}
    what = "cibuildwheel builds for Linux in a container, and neither Docker nor Podman works on this machine."
    raise UnavailableError(what, fix="Install one of them, or build a portable wheel with zig: " + ZIG.format(target))


def _works(name: str) -> bool:
    """Return True if a container engine is installed and can reach its service."""
    try:
        return bool(shutil.which(name)) and run([name, "info"], check=False, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def command(target: str) -> list[str]:
    """Return cibuildwheel's command to build for `target` into OUTPUT, which is emptied first.

    Run it in the package's folder: the whole working directory is copied into the container.
    """
    remove_tree(OUTPUT)
    arguments = ["--only", build_identifier(load_matrix(), target), "--output-dir", str(OUTPUT)]
    return ["-m", "cibuildwheel", *arguments, "."]


def built() -> Path:
    """Return the wheel in OUTPUT."""
    (wheel,) = OUTPUT.glob("*.whl")
    return wheel
