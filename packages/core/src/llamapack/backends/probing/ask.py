"""Have child processes ask plug-ins for their descriptions: whatever a plug-in's code does, it does it there."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llamapack.backends.contract import BackendPlugin
from llamapack.backends.plugins.entry_points import EntryPoint, search_path
from llamapack.backends.probing.cache import CacheFile
from llamapack.backends.probing.description import (
    PROGRAM,
    Description,
    checked,
    read_from_file,
    rejected,
    remember_description,
    remember_timeout,
)
from llamapack.backends.probing.exit_status import describe_crash
from llamapack.backends.probing.launch import NotStarted, Run, launch
from llamapack.backends.probing.processes import Command, ProcessResult
from llamapack.backends.verdicts import Fault

UNREADABLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)  # what reading a wrong answer raises


def ask(files: Mapping[EntryPoint, CacheFile], seconds: float, run: Run | None = None) -> dict[EntryPoint, Description]:
    """Ask all plug-ins at the same time, for `seconds` at most, and remember in `files` what they say.

    If no process can be started here, the plug-ins' files are read instead.
    """
    if not files:
        return {}
    with _scratch_folder() as scratch:
        results = launch(lambda python: [_command(python, entry, seconds, scratch) for entry in files], seconds, run)
    if isinstance(results, NotStarted):
        return {entry: read_from_file(entry, Fault.NO_PYTHON, results.reason, results.remedy) for entry in files}
    return {
        entry: judge(entry, result, file, seconds) for (entry, file), result in zip(files.items(), results, strict=True)
    }


@contextlib.contextmanager
def _scratch_folder() -> Iterator[str]:
    """Make a folder for what plug-ins write where they stand; the empty name if there is no place for one."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="llamapack-", ignore_cleanup_errors=True)
    except OSError:
        yield ""
        return
    with folder as name:
        yield name


def _command(python: Path, entry: EntryPoint, seconds: float, scratch: str) -> Command:
    module, _, attributes = entry.value.partition(":")
    job = {
        "path": list(_absolute_path()),
        "folder": scratch,
        "module": module.strip(),
        "attributes": attributes.strip(),
        "seconds": int(seconds),
    }
    # -I leaves out what the environment adds to Python, and the user's own packages; -E keeps the latter.
    user = getattr(sys.modules.get("site"), "ENABLE_USER_SITE", False)
    return lambda report: [str(python), "-E" if user else "-I", str(PROGRAM), json.dumps({**job, "report": report})]


def _absolute_path() -> Iterator[str]:
    """Return the folders that modules are imported from; the child stands elsewhere, and does without odd entries."""
    for entry in search_path():
        with contextlib.suppress(OSError):  # the current folder may be gone
            if "\0" not in entry:
                yield os.path.abspath(entry)  # noqa: PTH100  # "" is the current folder


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the child reported: what it did last, the description or what is wrong, and the files it depends on."""

    step: str = ""
    files: tuple[str, ...] = ()
    plugin: dict[str, Any] | None = None
    fault: str = ""
    reason: str = ""


def judge(entry: EntryPoint, result: ProcessResult, file: CacheFile, seconds: float) -> Description:
    """Turn what the child left behind into a description or a verdict, and remember it if it is worth that."""
    try:
        answer = parse(result.report)
    except UNREADABLE:
        return rejected(entry, Fault.NONSENSE, f"its entry point {entry.value} broke the report", result.output)
    if result.status is None:
        what = f"{answer.step} took longer than {seconds:g} s and was ended"
        remember_timeout(file, what, result.output, answer.files)
        return rejected(entry, Fault.TIMEOUT, what, result.output)
    if crash := describe_crash(result.status):
        return rejected(entry, Fault.CRASH, f"{answer.step} crashed: {crash}", result.output)
    if answer.fault:
        return rejected(entry, Fault(answer.fault), answer.reason, result.output)
    if answer.plugin is None:
        return rejected(entry, Fault.NO_ANSWER, _describe_exit(answer, result), result.output)
    try:
        found = checked(entry, answer.plugin, result.output)
    except UNREADABLE as error:
        what = f"its entry point {entry.value} described what cannot be read: {error}"
        return rejected(entry, Fault.NONSENSE, what, result.output)
    if isinstance(found.outcome, BackendPlugin):
        remember_description(file, answer.plugin, result.output, answer.files)
    return found


def parse(report: bytes) -> Answer:
    """Read the child's lines, of which the later ones count; raises one of UNREADABLE for anything else."""
    answer = Answer(step="starting its process")
    for line in report.splitlines():
        data = json.loads(line)
        answer = replace(answer, **{**data, "files": tuple(data.get("files", answer.files))})
    texts = (answer.step, answer.reason, answer.fault, *answer.files)
    if not all(isinstance(text, str) for text in texts) or not isinstance(answer.plugin, (dict, type(None))):
        raise TypeError(f"{answer} has values of other types")
    if answer.fault:
        Fault(answer.fault)
    return answer


def _describe_exit(answer: Answer, result: ProcessResult) -> str:
    what = f"{answer.step} ended the process (exit status {result.status})"
    last = next((line.strip() for line in reversed(result.output.splitlines()) if line.strip()), "")
    return f"{what}: {last[:300]}" if last else what
