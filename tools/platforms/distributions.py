"""Install the wheel into other distributions' Pythons, with their own pip and without a network."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UnavailableError
from tools.matrix import host_target, load_matrix
from tools.paths import BUILD, REQUIREMENTS, cache_dir
from tools.platforms import debian_roots
from tools.platforms.debian_roots import TARGETS, Root, ensure_root
from tools.util import stamps
from tools.util.cmd import run, run_live
from tools.util.files import locked, remove_tree, staged_folder
from tools.util.venv import NETWORK, ensure_environment, pip_variables

log = logging.getLogger(f"llamapack.{__name__}")

OLDER = ("bullseye",)
"""Debian releases whose Python is too old for the wheel: a C program uses its libraries there."""
SUITES = ("trixie", "forky", *OLDER)
"""Debian releases other than this machine's."""
PACKAGES = ("python3", "python3-venv")
ARM = Root(suite="trixie", architecture="arm64", packages=PACKAGES)
OWN = "/place"
"""Where a place's own folder, which can be written to, lies inside of it."""
VERSION = "import sys; print('{}.{}'.format(*sys.version_info))"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A root, and a folder of this machine that is mounted there as /place."""

    root: Path
    own: Path
    emulator: Path | None = None

    def command(
        self, *arguments: str | os.PathLike[str], files: Sequence[Path] = (), processor: str = "", cwd: str = OWN
    ) -> list[str]:
        """Return the command that runs `arguments` inside; `files` are mounted in /files.

        `processor` is the processor model for an emulator.
        """
        variables = {"QEMU_CPU": processor} if processor else {}
        binds = {self.own: OWN, **{file: inside(file) for file in files}}
        return debian_roots.command(
            self.root, arguments, binds=binds, variables=variables | PIP, cwd=cwd, emulator=self.emulator
        )


PIP = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PIP_NO_INDEX": "1"}
PYTHON = f"{OWN}/env/bin/python"


def root_of(suite: str) -> Root:
    """Return the root of a Debian release for this machine's processor."""
    names = {target: name for name, target in TARGETS.items()}
    if host_target() not in names:
        raise UnavailableError(f"Debian does not run on {host_target()}.", why="The wheel is tried in Debian roots.")
    return Root(suite=suite, architecture=names[host_target()], packages=() if suite in OLDER else PACKAGES)


def inside(file: Path) -> str:
    """Return the path of a file inside."""
    return f"/files/{file.name}"


def ensure_place(root: Root) -> Place:
    """Return `root` with a folder of its own in build/."""
    folder = ensure_root(root)
    own = BUILD / "roots" / folder.name
    own.mkdir(parents=True, exist_ok=True)
    return Place(root=folder, own=own, emulator=debian_roots.emulator_for(root))


def installed(root: Root, wheel: Path) -> Place:
    """Return `root` with a virtual environment in which its own pip has installed `wheel`.

    It is made again if either changed. pip gets the files of requirements/core.txt and no index: it decides by itself
    whether the wheel's tag is compatible.
    """
    place = ensure_place(root)
    key = {"wheel": stamps.file_digest(wheel), "requirements": stamps.file_digest(REQUIREMENTS / "core.txt")}
    stamp = place.own / "llamapack-stamp.json"
    with locked(place.own.with_name(f"{place.own.name}.lock")):
        if stamps.changed(stamp, key):
            log.info(f"Installing {wheel.name} in Debian {root.suite} for {root.architecture}")
            stamp.unlink(missing_ok=True)
            _install(place, root, wheel)
            stamps.write(stamp, key)
    return place


def _install(place: Place, root: Root, wheel: Path) -> None:
    remove_tree(place.own / "env")
    what = f"{wheel.name} could not be installed in Debian {root.suite} for {root.architecture}"
    version = run(place.command("python3", "-c", VERSION)).stdout.strip()
    house = wheelhouse(version, TARGETS[root.architecture])
    run_live(place.command("python3", "-m", "venv", f"{OWN}/env"), what=what)
    # compiling all of numpy takes minutes on an emulated processor; Python compiles what it imports
    arguments = (
        PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--find-links",
        inside(house),
        inside(wheel),
    )
    run_live(place.command(*arguments, files=(house, wheel)), what=what)


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
    """Return pip's options for wheels of a Linux or macOS `target`: those for our oldest system, and for still older ones.

    Packages of macOS are for 11.0 at least: the first one for Apple silicon.
    """
    tag = load_matrix().wheel_tag(target)
    if found := re.fullmatch(r"macosx_(\d+)_0_(\w+)", tag):
        tags = [f"macosx_{major}_0_{found[2]}" for major in range(int(found[1]), 10, -1)]
    else:
        found = re.fullmatch(r"manylinux_2_(\d+)_(\w+)", tag)
        assert found, target
        tags = [f"manylinux_2_{minor}_{found[2]}" for minor in range(int(found[1]), 16, -1)]
        tags.append(f"manylinux2014_{found[2]}")
    return [word for tag in tags for word in ("--platform", tag)]
