"""Ask Python code of others in child processes, and tell how that ended: whatever that code does, it does it there."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llamapack.backends.children.exit_status import describe_crash
from llamapack.backends.children.launch import NotStarted, Run, launch
from llamapack.backends.children.processes import Command, ProcessResult
from llamapack.backends.plugins.entry_points import search_path
from llamapack.backends.probing.fingerprint import ASK_PROGRAM
from llamapack.backends.verdicts import Fault

UNREADABLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)  # what reading a wrong answer raises


def ask_python(
    questions: Sequence[Mapping[str, str]], seconds: float, run: Run | None = None
) -> tuple[ProcessResult, ...] | NotStarted:
    """Ask all `questions` at the same time, each for `seconds` at most; `_ask.py` says what they are."""
    with _scratch_folder() as scratch:
        common = {"path": list(_absolute_path()), "folder": scratch, "seconds": int(seconds)}
        return launch(lambda python: [_command(python, {**common, **each}) for each in questions], seconds, run)


@contextlib.contextmanager
def _scratch_folder() -> Iterator[str]:
    """Make a folder for what is written into the current one; the empty name if there is no place for it."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="llamapack-", ignore_cleanup_errors=True)
    except OSError:
        yield ""
        return
    with folder as name:
        yield name


def _command(python: Path, job: Mapping[str, Any]) -> Command:
    # -I leaves out what the environment adds to Python, and the user's own packages; -E keeps the latter.
    user = getattr(sys.modules.get("site"), "ENABLE_USER_SITE", False)
    return lambda report: [str(python), "-E" if user else "-I", str(ASK_PROGRAM), json.dumps({**job, "report": report})]


def _absolute_path() -> Iterator[str]:
    """Return the folders that modules are imported from; the child stands elsewhere, and does without odd entries."""
    for entry in search_path():
        with contextlib.suppress(OSError):  # the current folder may be gone
            if "\0" not in entry:
                yield os.path.abspath(entry)  # noqa: PTH100  # "" is the current folder


def read_report(report: bytes) -> dict[str, Any]:
    """Merge the lines of the report, of which the later ones count; raises one of UNREADABLE if they are wrong."""
    answer: dict[str, Any] = {"step": "starting its process", "files": []}
    for line in report.splitlines():
        data = json.loads(line)
        if not isinstance(data, dict):
            raise TypeError(f"{data!r} is no object")
        answer |= data
    for text in (answer["step"], *answer["files"]):
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
    return answer


def find_fault(answer: Mapping[str, Any], result: ProcessResult, seconds: float) -> tuple[Fault, str] | None:
    """Return what went wrong, in words that may follow the name of the code; None if there is an answer.

    Raises one of UNREADABLE if the answer is wrong.
    """
    step = answer["step"]
    if result.status is None:
        return Fault.TIMEOUT, f"{step} took longer than {seconds:g} s and was ended"
    if crash := describe_crash(result.status):
        return Fault.CRASH, f"{step} crashed: {crash}"
    if "fault" in answer:
        return Fault(answer["fault"]), str(answer["reason"])
    if set(answer) == {"step", "files"}:
        return Fault.NO_ANSWER, result.with_last_line(f"{step} ended the process (exit status {result.status})")
    return None
