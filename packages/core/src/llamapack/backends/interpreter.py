"""Find the Python interpreter for child processes. `sys.executable` may be a program that embeds or freezes Python."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "LLAMAPACK_PROBE_PYTHON"
_PYTHON = re.compile(r"(python|pypy|graalpy)[0-9.]*t?(w|_d)?(\.exe)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The interpreter, or why there is none."""

    path: Path | None
    reason: str = ""


def find_interpreter() -> Interpreter:
    """Return what LLAMAPACK_PROBE_PYTHON names, or the interpreter that runs this process.

    A program that embeds Python is never started: it would run itself again, and each copy another one.
    """
    if named := os.environ.get(VARIABLE):
        if os.access(named, os.X_OK) and Path(named).is_file():
            return Interpreter(path=Path(named).absolute())
        return Interpreter(path=None, reason=f"{VARIABLE} is {named!r}, which is no program")
    if getattr(sys, "frozen", False):
        return Interpreter(path=None, reason="this program carries its Python inside itself")
    for candidate in _candidates():
        if _PYTHON.fullmatch(candidate.name) and os.access(candidate, os.X_OK):
            return Interpreter(path=candidate)
    reason = f"sys.executable is {sys.executable!r}, which is no Python interpreter that this user may run"
    return Interpreter(path=None, reason=reason)


def _candidates() -> list[Path]:
    named = [sys.executable, getattr(sys, "_base_executable", None)]
    folder = Path(sys.exec_prefix) if sys.platform == "win32" else Path(sys.exec_prefix, "bin")
    names = ("python.exe",) if sys.platform == "win32" else (f"python{sys.version_info[0]}.{sys.version_info[1]}",)
    return [Path(name) for name in named if name] + [folder / name for name in names]
