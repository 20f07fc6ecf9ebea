"""Install the wheel into other distributions' Pythons, with their own pip and without a network."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UnavailableError
from tools.matrix import host_target
from tools.paths import BUILD, REQUIREMENTS
from tools.platforms import debian_roots
from tools.platforms.debian_roots import TARGETS, Root, ensure_root
from tools.platforms.target_packages import install_for, tags, wheelhouse
from tools.util import stamps
from tools.util.cmd import run, run_live
from tools.util.files import locked, remove_tree, staged_folder

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
        self,
        *arguments: str | os.PathLike[str],
        files: Sequence[Path] = (),
        processor: str = "",
        cwd: str = OWN,
        binds: Mapping[Path, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Return the command that runs `arguments` inside; `files` are mounted in /files, and `binds` where they say.

        `processor` is the processor model for an emulator.
        """
        model = {"QEMU_CPU": processor} if processor else {}
        mounted = {self.own: OWN, **{file: inside(file) for file in files}, **(binds or {})}
        told = {**model, **PIP, **(variables or {})}
        return debian_roots.command(
            self.root, arguments, binds=mounted, variables=told, cwd=cwd, emulator=self.emulator
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


def ensure_place(root: Root, purpose: str = "", *, mib: int = debian_roots.MIB) -> Place:
    """Return `root` with a folder of its own in build/, one for each `purpose`."""
    folder = ensure_root(root, mib=mib)
    own = BUILD / "roots" / "-".join(filter(None, (folder.name, purpose)))
    own.mkdir(parents=True, exist_ok=True)
    return Place(root=folder, own=own, emulator=debian_roots.emulator_for(root))


def installed(root: Root, wheel: Path) -> Place:
    """Return `root` with a virtual environment in which its own pip has installed `wheel`.

    It is made again if either changed. pip gets the files of requirements/core.txt and no index: it decides by itself
    whether the wheel's tag is compatible.
    """
    return install(ensure_place(root), root, (wheel,))


def install(place: Place, root: Root, wheels: Sequence[Path], names: Sequence[str] = (), tests: str = "") -> Place:
    """Install `wheels` as `installed` does, with the packages of requirements/NAME.txt for each of `names` beside them.

    The packages of another such file, `tests`, are unpacked into /place/tests, which PYTHONPATH has to name.
    """
    used = ["core", *names]
    key = {file.name: stamps.file_digest(file) for file in (*_lists(*used, *filter(None, [tests])), *wheels)}
    stamp = place.own / "llamapack-stamp.json"
    with locked(place.own.with_name(f"{place.own.name}.lock")):
        if stamps.changed(stamp, key):
            log.info(f"Installing {wheels[-1].name} in Debian {root.suite} for {root.architecture}")
            stamp.unlink(missing_ok=True)
            _install(place, root, wheels, used, tests)
            stamps.write(stamp, key)
    return place


def _lists(*names: str) -> list[Path]:
    return [REQUIREMENTS / f"{name}.txt" for name in names]


def _install(place: Place, root: Root, wheels: Sequence[Path], names: Sequence[str], tests: str) -> None:
    remove_tree(place.own / "env")
    target, what = TARGETS[root.architecture], f"{wheels[-1].name} could not be installed in Debian {root.suite}"
    version = run(place.command("python3", "-c", VERSION)).stdout.strip()
    houses = [wheelhouse(version, target, name) for name in names]
    run_live(place.command("python3", "-m", "venv", f"{OWN}/env"), what=what)
    # compiling all of numpy takes minutes on an emulated processor; Python compiles what it imports
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--no-compile"]
    pip += [word for house in houses for word in ("--find-links", inside(house))]
    run_live(place.command(*pip, *map(inside, wheels), files=(*houses, *wheels)), what=what)
    if tests:
        remove_tree(place.own / "tests")
        with staged_folder(place.own / "tests") as staged:
            install_for(staged, version, tags(target), [tests])
