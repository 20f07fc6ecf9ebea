"""Have plug-ins asked for their descriptions, and remember what they say."""

from __future__ import annotations

from collections.abc import Mapping

from llamapack.backends.children.launch import NotStarted, Run
from llamapack.backends.children.processes import ProcessResult
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.plugins.entry_points import EntryPoint
from llamapack.backends.probing.cache import CacheFile
from llamapack.backends.probing.description import (
    Description,
    checked,
    read_from_file,
    rejected,
    remember_description,
    remember_timeout,
)
from llamapack.backends.probing.questions import UNREADABLE, ask_python, find_fault, read_report
from llamapack.backends.verdicts import Fault


def ask_plugins(
    files: Mapping[EntryPoint, CacheFile], seconds: float, run: Run | None = None
) -> dict[EntryPoint, Description]:
    """Ask all plug-ins at the same time, for `seconds` at most, and remember in `files` what they say.

    If no process can be started here, the plug-ins' files are read instead.
    """
    if not files:
        return {}
    results = ask_python([_question(entry) for entry in files], seconds, run)
    if isinstance(results, NotStarted):
        return {entry: read_from_file(entry, Fault.NO_PYTHON, results.reason, results.remedy) for entry in files}
    return {
        entry: judge(entry, result, file, seconds) for (entry, file), result in zip(files.items(), results, strict=True)
    }


def _question(entry: EntryPoint) -> dict[str, str]:
    module, _, attributes = entry.value.partition(":")
    return {"question": "plugin", "module": module.strip(), "attributes": attributes.strip()}


def judge(entry: EntryPoint, result: ProcessResult, file: CacheFile, seconds: float) -> Description:
    """Turn what the child left behind into a description or a verdict, and remember it if it is worth that."""
    try:
        answer = read_report(result.report)
        if found := find_fault(answer, result, seconds):
            fault, what = found
            if fault is Fault.TIMEOUT:
                remember_timeout(file, what, result.output, answer["files"])
            return rejected(entry, fault, what, result.output)
        description = checked(entry, answer["plugin"], result.output)
    except UNREADABLE:
        what = f"its entry point {entry.value} left an answer that cannot be read"
        return rejected(entry, Fault.NONSENSE, what, result.output)
    if isinstance(description.outcome, BackendPlugin):
        remember_description(file, answer["plugin"], result.output, answer["files"])
    return description
