"""Start child processes of Python, or say why that cannot be done here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llamapack.backends.children.processes import Command, ProcessResult, is_child
from llamapack.backends.children.subprocesses import run_children
from llamapack.backends.interpreter import VARIABLE, find_interpreter

Run = Callable[[Sequence[Command], float], tuple[ProcessResult, ...]]


@dataclass(frozen=True, kw_only=True)
class NotStarted:
    """Why no child process could be started, and what to do about it."""

    reason: str
    remedy: str = ""


def launch(
    commands: Callable[[Path], Sequence[Command]], seconds: float, run: Run | None = None
) -> tuple[ProcessResult, ...] | NotStarted:
    """Run the `commands` that are made for a Python interpreter, each for `seconds` at most, with `run_children`.

    A child of llamapack starts no further ones: a plug-in that uses llamapack while it is asked would never end.
    """
    if is_child():
        return NotStarted(reason="this process is a probe itself")
    interpreter = find_interpreter()
    if interpreter.path is None:
        return NotStarted(reason=interpreter.reason, remedy=f"Set {VARIABLE} to the path of a Python interpreter.")
    try:
        return (run or run_children)(commands(interpreter.path), seconds)
    except OSError as error:
        return NotStarted(reason=f"{interpreter.path} cannot be started: {error}")
