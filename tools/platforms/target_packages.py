"""Packages for another Python than one that runs here: pip downloads or unpacks them without running them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from tools.matrix import load_matrix
from tools.paths import REQUIREMENTS, cache_dir
from tools.util import stamps
from tools.util.cmd import run_live
from tools.util.files import locked, staged_folder
from tools.util.venv import NETWORK, ensure_environment, pip_variables

log = logging.getLogger(f"llamapack.{__name__}")


def install_for(
    into: Path, version: str, platforms: Sequence[str], names: Sequence[str], wheels: Sequence[Path] = ()
) -> None:
    """Install the packages of requirements/NAME.txt for each of `names`, and `wheels`, into the folder `into`.

    They are for Python `version`, such as 3.13, and for `platforms`, by the tags of wheels. Markers in the files are
    read as on this machine.
    """
    python = ensure_environment(["build"]).python
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", into]
    pip += ["--python-version", version, "--only-binary", ":all:"]
    pip += [word for platform in platforms for word in ("--platform", platform)]
    for name in names:
        what = f"The packages of requirements/{name}.txt could not be installed for {platforms[0]}"
        file = REQUIREMENTS / f"{name}.txt"
        run_live([*pip, "--require-hashes", "--requirement", file], what=what, fix=NETWORK, env=pip_variables())
    for wheel in wheels:
        what = f"{wheel.name} could not be installed for {platforms[0]}"
        run_live([*pip, "--no-index", wheel], what=what, env=pip_variables())


def wheelhouse(version: str, target: str, requirement: str = "core") -> Path:
    """Return a folder with the packages of a requirements file, for Python `version` on `target`, downloaded once."""
    file = REQUIREMENTS / f"{requirement}.txt"
    folder = cache_dir() / "wheels" / f"{target}-{version}-{stamps.file_digest(file)[:12]}"
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            log.info(f"Fetching the packages of {file.name} for Python {version}, {target}")
            python = ensure_environment().python
            arguments = ["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
            arguments += ["--python-version", version, *platforms(target), "--requirement", str(file)]
            with staged_folder(folder) as staged:
                what = f"The packages of {file.name} could not be fetched"
                run_live([python, *arguments, "--dest", staged], what=what, fix=NETWORK, env=pip_variables())
    return folder


def platforms(target: str) -> list[str]:
    """Return pip's options for wheels of `target`: for our oldest system, and on Linux and macOS for older ones."""
    return [word for tag in tags(target) for word in ("--platform", tag)]


def tags(target: str) -> list[str]:
    """Return the platform tags of wheels that run on our oldest system, on Linux and macOS the newest first.

    macOS 11 is the first one for Apple silicon.
    """
    tag = load_matrix().wheel_tag(target)
    if found := re.fullmatch(r"macosx_(\d+)_0_(\w+)", tag):
        return [f"macosx_{major}_0_{found[2]}" for major in range(int(found[1]), 10, -1)]
    if not (found := re.fullmatch(r"manylinux_2_(\d+)_(\w+)", tag)):
        return [tag]
    return [*(f"manylinux_2_{minor}_{found[2]}" for minor in range(int(found[1]), 16, -1)), f"manylinux2014_{found[2]}"]
