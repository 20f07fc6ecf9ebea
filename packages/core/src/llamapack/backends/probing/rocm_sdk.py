"""Ask AMD's Python package `rocm_sdk` where ROCm's libraries are. It runs in a child process, as plug-ins do."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamapack.backends.host.rocm import PACKAGE, RocmLocation
from llamapack.backends.probing.cache import CacheFile, recall_or_learn, verdicts_folder
from llamapack.backends.probing.fingerprint import ASK_PROGRAM, driver_variables, file_mark, python_name
from llamapack.backends.probing.options import VARIABLE, probe_mode, probe_seconds
from llamapack.backends.probing.verdict_cache import SECONDS_FOR_TIMEOUTS
from llamapack.backends.verdicts import Fault

if TYPE_CHECKING:
    from llamapack.backends.children.launch import Run


def find_rocm_sdk(*, mode: str | None = None, seconds: float | None = None, run: Run | None = None) -> RocmLocation:
    """Return the folders that the package names, or why there are none; the options are those of `probe`."""
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return RocmLocation(name=PACKAGE, problem="is not installed")
    mode, limit = probe_mode(mode), probe_seconds(seconds)
    key = {
        "package": file_mark(spec.origin or ""),
        "program": file_mark(ASK_PROGRAM),
        "python": python_name(),
        "environment": driver_variables(),
    }
    file = CacheFile.of(PACKAGE, key, verdicts_folder())

    def learn(_: Sequence[str]) -> dict[str, RocmLocation]:
        return {PACKAGE: _ask(file, limit, run)}

    known = recall_or_learn({PACKAGE: file}, _read, learn, mode=mode, seconds=limit)
    return known.get(PACKAGE) or _not_found(f"was not asked: {VARIABLE} is never")


def _read(_: str, file: CacheFile) -> RocmLocation | None:
    cached = file.read()
    if cached is None:
        return None
    try:
        if "problem" not in cached.content:
            return _location(cached.content)
        return _not_found(str(cached.content["problem"])) if 0 <= cached.age < SECONDS_FOR_TIMEOUTS else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _location(answer: Any) -> RocmLocation:
    folders = tuple(Path(folder) for folder in answer["folders"])
    return RocmLocation(name=PACKAGE, folders=folders, version=str(answer["version"]))


def _not_found(problem: str) -> RocmLocation:
    return RocmLocation(name=PACKAGE, problem=problem)


def _ask(file: CacheFile, seconds: float, run: Run | None) -> RocmLocation:
    from llamapack.backends.children.launch import NotStarted
    from llamapack.backends.probing.questions import UNREADABLE, ask_python, find_fault, read_report

    results = ask_python([{"question": PACKAGE}], seconds, run)
    if isinstance(results, NotStarted):
        return _not_found(f"was not asked: {results.reason}")
    try:
        answer = read_report(results[0].report)
        if found := find_fault(answer, results[0], seconds):
            problem = f"cannot be used: {found[1]}"
            if found[0] is Fault.TIMEOUT:  # remembered for a while, as that of a plug-in is
                file.write({"problem": problem}, answer["files"])
            return _not_found(problem)
        location = _location(answer)
    except UNREADABLE:
        return _not_found("left an answer that cannot be read")
    file.write({"folders": answer["folders"], "version": answer["version"]}, answer["files"])
    return location
