"""Code that hangs when it is imported, and what ends it as soon as it does: no test waits for a whole time limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llamapack.backends.children.launch import Run
from llamapack.backends.children.processes import Command, ProcessResult
from llamapack.backends.children.subprocesses import run_children


def hanging(begun: Path) -> str:
    """Return the source of a module that prints a line, makes the file `begun`, and hangs."""
    return f"print('I sleep', flush=True)\nopen({str(begun)!r}, 'w')\nimport time\ntime.sleep(600)"


def ending(begun: Path) -> Run:
    """Return a `run_children` that gives children less time than they may take, but enough to make the file `begun`."""

    def run(commands: Sequence[Command], seconds: float) -> tuple[ProcessResult, ...]:
        limit = 0.5
        while True:
            ended = run_children(commands, min(limit, seconds))
            if begun.exists() or limit >= seconds:
                return ended
            limit *= 2

    return run
