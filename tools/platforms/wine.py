"""Python for Windows with installed wheels, run under Wine, with a display that nobody sees."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, UnavailableError
from tools.paths import REQUIREMENTS
from tools.platforms import apt, piped
from tools.platforms.emulators import ensure_emulator, how_to_get
from tools.platforms.target_packages import install_for
from tools.platforms.windows_python import windows_python
from tools.util import stamps
from tools.util.files import locked, remove_tree, staged_folder

PLATFORM, VERSION = "win_amd64", "3.13"
"""What `windows_python` is, as pip calls it."""
DISPLAY_PACKAGES = ("xvfb",)


@dataclass(frozen=True, kw_only=True)
class WinePython:
    """A Python for Windows and a folder of packages that it imports."""

    program: Path
    """Wine."""
    python: Path
    folder: Path

    @property
    def packages(self) -> Path:
        """The folder of its packages."""
        return self.folder / "site"

    @property
    def prefix(self) -> Path:
        """The Windows that Wine keeps for it."""
        return self.folder / "prefix"

    @property
    def command(self) -> list[str]:
        """The command that starts it, before its arguments."""
        return [sys.executable, "-I", piped.__file__, str(self.program), windows_path(self.python)]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that it needs beside those of this process."""
        return {
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            "PYTHONPATH": windows_path(self.packages),
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def stop(self) -> None:
        """End what Wine leaves running in this prefix."""
        server = next(self.program.parent.glob("wineserver*"), None)
        if server and self.prefix.is_dir():
            subprocess.run([server, "--kill"], env={**os.environ, **self.variables}, check=False)


def windows_path(path: Path) -> str:
    """Return a path as Windows programs under Wine spell it."""
    return "Z:" + str(path).replace("/", "\\")


def ensure_wine_python(names: Sequence[str], folder: Path, wheels: Sequence[Path] = ()) -> WinePython:
    """Return a Python for Windows with the packages of requirements/NAME.txt for each of `names`, and `wheels`.

    They are installed into `folder`, again if anything changed. Raises UnavailableError without Wine.
    """
    program = ensure_emulator("wine")
    if program is None:
        raise UnavailableError(f"{how_to_get('wine')}.", why="The wheel for Windows is run there.")
    found = WinePython(program=program, python=windows_python(), folder=folder)
    lists = [REQUIREMENTS / f"{name}.txt" for name in names]
    key = {file.name.partition("-")[0]: stamps.file_digest(file) for file in (*lists, *wheels)}
    stamp = folder / "llamapack-stamp.json"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if stamps.changed(stamp, key):
            stamp.unlink(missing_ok=True)
            remove_tree(found.packages)
            with staged_folder(found.packages) as staged:
                install_for(staged, VERSION, (PLATFORM,), names, wheels)
            stamps.write(stamp, key)
    return found


@contextmanager
def display() -> Iterator[dict[str, str]]:
    """Have an X server that draws into memory; yields the variables by which programs find it."""
    if apt.is_here():
        apt.require(DISPLAY_PACKAGES, purpose="a display for programs under Wine")
    read, write = os.pipe()
    words = ["Xvfb", "-displayfd", str(write), "-nolisten", "tcp", "-screen", "0", "640x480x24"]
    try:
        server = subprocess.Popen(
            words, pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        os.close(read)
        os.close(write)
        raise UnavailableError("Xvfb, an X server without a screen, was not found.", fix="Install xvfb.") from error
    os.close(write)
    try:
        with os.fdopen(read, encoding="ascii") as told:
            number = told.readline().strip()
        if not number:
            raise ToolError(f"Xvfb ended with status {server.wait()}.", fix="Run it by hand: Xvfb :99")
        yield {"DISPLAY": f":{number}"}
    finally:
        server.terminate()
        server.wait()
