"""Clean Python environments for tests: each kind is made once, with venv and pip, and every test gets a copy.

The originals are in build/; they are made again if the interpreter or the pinned packages change.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.paths import BUILD, REQUIREMENTS
from tools.util import stamps
from tools.util.files import locked, remove_tree, staged_folder
from tools.util.venv import Environment

KEPT = BUILD / "test-environments"
PINS = REQUIREMENTS / "core.txt"
PINNED = ("--no-deps", "--require-hashes", "--requirement", str(PINS))
"""What pip is told to install: what the core wheel needs, in the versions that are pinned."""
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
WHO = "import sys; print(sys.version, sys.prefix)"


def clean_environment(
    folder: Path, python: str | Path = sys.executable, packages: Sequence[str] = PINNED
) -> Environment:
    """Make an environment in `folder` with the interpreter `python`, pip and the `packages`; return it."""
    made = _made_once(str(python), packages)
    run_clean(python, "-m", "venv", "--without-pip", folder)
    environment = Environment(folder=folder)
    link_tree(site_packages(made), site_packages(folder))
    return environment


def run_clean(*command: object, cwd: Path | None = None) -> str:
    """Run a command without the variables of Python and llamapack, and return its output; it must succeed."""
    done = subprocess.run(
        [str(argument) for argument in command],
        cwd=cwd,
        env=clean_variables(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def clean_variables() -> dict[str, str]:
    """Return this process's environment variables without those that make Python or llamapack use other packages."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLAMAPACK_", "PYTHON", "VIRTUAL_ENV"))
    }
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONIOENCODING": "utf-8"}


def site_packages(folder: Path) -> Path:
    """Return the folder for packages in the environment `folder`, for any Python implementation."""
    (found,) = folder.glob("Lib/site-packages" if sys.platform == "win32" else "lib/*/site-packages")
    return found


def link_tree(source: Path, target: Path) -> None:
    """Fill `target` with hard links to the files in `source`; replacing one there does not change `source`."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_link)


def put_back(kept: Path, folder: Path, prefix: str) -> None:
    """Restore `folder` from `kept`: remove what was added, and copy again what begins with `prefix`."""
    for path in folder.iterdir():
        if path.name.startswith(prefix) or not os.path.lexists(kept / path.name):
            remove_tree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in kept.glob(f"{prefix}*"):
        link_tree(path, folder / path.name) if path.is_dir() else _link(str(path), str(folder / path.name))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target, follow_symlinks=False)


def _made_once(python: str, packages: Sequence[str]) -> Path:
    """Return the original environment that copies are made from; it is made only if it is missing or outdated."""
    name = hashlib.sha256("\0".join((python, *packages)).encode()).hexdigest()[:12]
    key = {"python": run_clean(python, "-c", WHO), "packages": stamps.file_digest(PINS)}
    folder = KEPT / name
    with locked(KEPT / f"{name}.lock"):
        if stamps.changed(folder / "llamapack-stamp.json", key):
            remove_tree(folder)
            with staged_folder(folder) as staged:
                run_clean(python, "-m", "venv", staged)
                run_clean(Environment(folder=staged).python, *PIP, *packages)
                stamps.write(staged / "llamapack-stamp.json", key)
    return folder
