"""Find the runtime libraries that a plug-in needs and that other wheels contain, such as NVIDIA's.

Usually they are in the same folder of packages as the plug-in. If not (a plug-in in the user's packages and a runtime
in the system's, conda, a toolkit of the system), NVIDIA's own finder is asked, in a child process because it loads
what it finds.
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from pathlib import Path, PurePosixPath

_PACKAGES = ("site-packages", "dist-packages")
_NAME = re.compile(r"(?:lib)?([a-z]+)", re.IGNORECASE)
_ASK = "import sys; from cuda.pathfinder import load_nvidia_dynamic_lib as load; print(load(sys.argv[1]).abs_path)"
_SECONDS = 30


def find_runtime(folder: Path, name: str) -> Path:
    """Return the path of the library `name`, which is relative to `folder`; that path itself if it is found nowhere."""
    expected = folder / name
    if expected.is_file():
        return expected
    inside = PurePosixPath(name)
    tail = [part for part in inside.parts if part != ".."]
    if len(tail) == 1:
        return expected  # its own library, which is in no other wheel
    return _in_packages(tail) or _ask_nvidia(inside.name) or expected


def _in_packages(tail: list[str]) -> Path | None:
    """Search the folders of packages; no other folders of `sys.path`, such as the current one."""
    folders = [Path(entry) for entry in sys.path if Path(entry).name in _PACKAGES and Path(entry).is_absolute()]
    return next((place for folder in folders if (place := folder.joinpath(*tail)).is_file()), None)


@lru_cache(maxsize=16)
def _ask_nvidia(file: str) -> Path | None:
    """Ask cuda-pathfinder for the library in `file`; None if it is not installed, or finds none or another version."""
    import subprocess  # slow to import, and seldom needed

    from llamapack.backends.interpreter import find_interpreter

    python, name = find_interpreter().path, _NAME.match(file)
    if python is None or name is None or not _is_nvidias(file):
        return None
    try:
        done = subprocess.run(
            [str(python), "-c", _ASK, name[1]],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            cwd=Path(os.sep),  # a folder in which nobody can put modules
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = Path(done.stdout.strip())
    fits = found.is_absolute() and found.name.startswith(file.partition(".dll")[0]) and found.is_file()
    return found if done.returncode == 0 and fits else None


def _is_nvidias(file: str) -> bool:
    return file.lower().removeprefix("lib").startswith(("cuda", "cublas"))
