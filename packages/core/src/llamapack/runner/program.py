"""Where the program is."""

from __future__ import annotations

import sys
from pathlib import Path

from llamapack._native.library import REINSTALL, library_dir
from llamapack.errors import InstallationError


def runner_path() -> Path:
    """Return the path of `llamapack-runner`: llama.cpp's `llama-server`, with its arguments, for other programs.

    It loads the best CPU level of this wheel. For a GPU, give it the libraries in LLAMAPACK_RUNNER_LIBRARIES: absolute
    paths, with `:` between them, or `;` on Windows; a CPU level is to be among them. Raises InstallationError if it is
    not there.
    """
    path = library_dir() / ("llamapack-runner.exe" if sys.platform == "win32" else "llamapack-runner")
    if not path.is_file():
        raise InstallationError(f"The program {path} is missing.", fix=REINSTALL)
    return path
