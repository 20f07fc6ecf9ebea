"""Virtual environments with pinned packages, made once and kept."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.paths import BUILD, REQUIREMENTS
from tools.util import stamps
from tools.util.cmd import Argument, run_live
from tools.util.files import locked

log = logging.getLogger(f"llamapack.{__name__}")

BUILD_ENVIRONMENT = BUILD / "env"
PIP_VARIABLES = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PYTHONNOUSERSITE": "1",
}
NETWORK = (
    "Check the network, and which package index pip uses: python -m pip config list. "
    "Then run the same command again: it goes on where this one stopped."
)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment with pip."""

    folder: Path

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.programs / ("python.exe" if sys.platform == "win32" else "python")

    @property
    def packages(self) -> Path:
        """The folder that its packages are installed in."""
        pattern = "Lib/site-packages" if sys.platform == "win32" else "lib/python3*/site-packages"
        return next(self.folder.glob(pattern))

    def program(self, name: str) -> Path:
        """Return the path of the program `name` of an installed package."""
        return self.programs / (f"{name}.exe" if sys.platform == "win32" else name)


def ensure_environment(
    names: Sequence[str] = (),
    *,
    folder: Path = BUILD_ENVIRONMENT,
    wheels: Sequence[Path] = (),
    source: Path | None = None,
) -> Environment:
    """Return the environment in `folder` with the packages of requirements/NAME.txt for each of `names`, and `wheels`.

    With `source`, packages come from that folder and from nowhere else.
    What is installed already is not downloaded again, so a second call needs no network. Packages are never removed.
    """
    environment = Environment(folder=folder)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not (_stamp(environment).exists() and environment.python.exists()):
            _create(environment)
            stamps.write(_stamp(environment), {})
        for name in names:
            if _is_new(environment, name, REQUIREMENTS / f"{name}.txt"):
                log.info(f"Installing requirements/{name}.txt into {folder}")
                install(environment, name, source)
                _note(environment, name, REQUIREMENTS / f"{name}.txt")
        for wheel in wheels:
            key = f"{wheel.name.partition('-')[0]} wheel"
            if _is_new(environment, key, wheel):
                install_wheel(environment, wheel)
                _note(environment, key, wheel)
    return environment


def _stamp(environment: Environment) -> Path:
    return environment.folder / "llamapack-stamp.json"


def _is_new(environment: Environment, name: str, file: Path) -> bool:
    return stamps.read(_stamp(environment)).get(name) != stamps.file_digest(file)


def _note(environment: Environment, name: str, file: Path) -> None:
    stamps.write(_stamp(environment), stamps.read(_stamp(environment)) | {name: stamps.file_digest(file)})


def install(environment: Environment, name: str, source: Path | None = None) -> None:
    """Install requirements/NAME.txt, every file checked by its hash; with `source` from that folder alone."""
    pip: list[Argument] = [environment.python, "-m", "pip", "install", "--require-hashes", "--no-deps"]
    if source:
        pip += ["--no-index", "--find-links", source]
    fetch = f"python -m pip download --require-hashes --no-deps --requirement requirements/{name}.txt --dest {source}"
    run_live(
        [*pip, "--requirement", REQUIREMENTS / f"{name}.txt"],
        what=f"The packages of requirements/{name}.txt could not be installed",
        fix=f"Where there is a network: {fetch}" if source else NETWORK,
        env=pip_variables(),
    )


def install_wheel(environment: Environment, wheel: Path) -> None:
    """Install `wheel` alone, in place of the one that may be there."""
    pip: list[Argument] = [environment.python, "-m", "pip", "install", "--quiet"]
    pip += ["--no-deps", "--no-index", "--force-reinstall"]
    run_live([*pip, wheel], what=f"{wheel.name} could not be installed", env=pip_variables())


def pip_variables() -> dict[str, str]:
    """Return this process's variables with settings that keep pip from asking questions and looking for updates."""
    return {**os.environ, **PIP_VARIABLES}


def _create(environment: Environment) -> None:
    maker = ["virtualenv", "--quiet"] if importlib.util.find_spec("virtualenv") else ["venv"]
    run_live(
        [sys.executable, "-m", *maker, "--clear", environment.folder],
        what=f"A Python environment could not be made in {environment.folder}",
        fix="On Debian and Ubuntu, venv is a package of its own: apt install python3-venv.",
    )
