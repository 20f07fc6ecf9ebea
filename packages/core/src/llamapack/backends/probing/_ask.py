"""Asks Python code of others a question, in a process of its own: nothing of that code runs in the caller.

Run as `python <this file> <JSON>`. The question is a plug-in's description, or the folders of AMD's package for ROCm.
It writes one JSON object a line to the descriptor `report`: a `step` before whatever may go wrong, and then the answer
with `files`, what it depends on; or `fault` and `reason`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

LONGEST_REASON = 500


class AnswerError(Exception):
    """What is wrong with the code that was asked: the value of a member of `verdicts.Fault`, and the reason."""


def main(job: dict[str, Any]) -> None:
    """Do the `job` and leave at once: threads of that code may still run, and its exit handlers are not asked for."""
    if hasattr(signal, "alarm"):
        signal.alarm(job["seconds"] + 5)  # nobody else ends this process if its parent was killed
    descriptor, dumps, write = _descriptor(job), json.dumps, os.write  # as they are before that code runs

    def report(**line: Any) -> None:
        data = dumps(line).encode("ascii") + b"\n"
        while data:
            data = data[write(descriptor, data) :]

    sys.path[:] = search_path(job["path"], sys.path)
    if job["folder"]:
        os.chdir(job["folder"])  # what is written into the current folder is thrown away
    try:
        report(**QUESTIONS[job["question"]](job, report))
    except AnswerError as error:
        report(fault=error.args[0], reason=error.args[1])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # it may have been closed or replaced
            stream.flush()
    os._exit(0)


def _descriptor(job: dict[str, Any]) -> int:
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.open_osfhandle(job["report"], os.O_WRONLY)
    return int(job["report"])


def search_path(wanted: Sequence[str], own: Sequence[str]) -> list[str]:
    """Return the caller's path of modules; another Python's own folders come first, for the caller's are not its."""
    own = [entry for entry in own if Path(entry) != Path(__file__).parent]
    if set(own) <= set(wanted):
        return list(wanted)
    return [*own, *(entry for entry in wanted if entry not in own)]


def describe_plugin(job: dict[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Import the module of an entry point, call its function, and return the description; raises AnswerError."""
    from llamapack.backends.contract import BackendPlugin, find_problems, plugin_to_data

    module, attributes = job["module"], job["attributes"]
    found = find_module(module.partition(".")[0])
    opened = watch_files(found)
    report(step=f"importing {module}", files=found)
    entry = f"its entry point {module}:{attributes}"
    try:
        function: Any = reduce(getattr, attributes.split("."), importlib.import_module(module))
    except BaseException as error:
        raise AnswerError("import", f"{entry} cannot be imported: {spell(error)}") from error
    report(step=f"calling {attributes}()", files=found)
    try:
        plugin = function()
    except BaseException as error:
        raise AnswerError("import", f"{entry} failed: {spell(error)}") from error
    if not isinstance(plugin, BackendPlugin):
        raise AnswerError("wrong type", f"{entry} returned a {type(plugin).__name__}, and not a BackendPlugin")
    if problems := find_problems(plugin):
        raise AnswerError("wrong type", f"its description does not fit the contract: {'; '.join(problems)}")
    return {"plugin": plugin_to_data(plugin), "files": sorted({*found, *opened, *imported_files()})}


def find_rocm_sdk(_: dict[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Return the folders of ROCm's libraries, as AMD's package says; raises AnswerError."""
    found = find_module("rocm_sdk")
    report(step="importing rocm_sdk", files=found)
    try:
        package = importlib.import_module("rocm_sdk")
        paths = package.find_libraries("amdhip64", "hipblas")
        folders = list(dict.fromkeys(str(Path(path).parent) for path in paths))
        version = str(getattr(package, "__version__", ""))
    except BaseException as error:
        raise AnswerError("import", f"it fails: {spell(error)}") from error
    return {"folders": folders, "version": version, "files": sorted({*found, *imported_files(), *map(str, paths)})}


def find_module(name: str) -> list[str]:
    """Return the file of the top-level module `name`, if it has one, without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    return [spec.origin] if spec and spec.origin and spec.has_location else []


def watch_files(module: Iterable[str]) -> set[str]:
    """Return a set that grows by the files beside the file of the `module` that are opened for reading."""
    opened: set[str] = set()
    folders = tuple(f"{Path(path).parent}{os.sep}" for path in module)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[1] in ("r", "rb"):
            path = arguments[0]
            if path.startswith(folders) and not path.endswith(".pyc"):
                opened.add(path)

    if folders:
        sys.addaudithook(watch)
    return opened


def imported_files() -> set[str]:
    """Return the files of all modules that were imported, except those of the standard library."""
    files = (
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] not in sys.stdlib_module_names and name != "__main__"
    )
    return {file for file in files if isinstance(file, str)}


def spell(error: BaseException) -> str:
    """Return what a plug-in raised in words; it may be anything, as Rust's panics are."""
    try:
        text = str(error)
    except BaseException:
        text = "it cannot say why"
    return f"{type(error).__name__}: {text[:LONGEST_REASON]}"


QUESTIONS: dict[str, Callable[[dict[str, Any], Callable[..., None]], dict[str, Any]]] = {
    "plugin": describe_plugin,
    "rocm_sdk": find_rocm_sdk,
}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
