"""Run a program whose output the person should see as it comes; tools themselves print nothing."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.errors import ToolError

Word = str | os.PathLike[str]
Say = Callable[[str], None]
"""Where a tool reports a step that takes long: a Nox session's log, or nowhere."""


def quiet(message: str) -> None:
    """Report nothing."""


def run_live(
    argv: Sequence[Word],
    *,
    what: str,
    fix: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run `argv` with its output on standard error and no input; a non-zero status is a ToolError.

    `what` begins the error: "The core wheel could not be built". Standard output stays free for answers.
    """
    words = [os.fspath(word) for word in argv]
    try:
        done = subprocess.run(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=_stderr(), check=False)
    except FileNotFoundError as error:
        raise ToolError(f"{what}.", why=f"{words[0]} was not found.", fix=fix) from error
    if done.returncode != 0:
        why = f"{shlex.join(words)} ended with status {done.returncode}; its own messages are above."
        raise ToolError(f"{what}.", why=why, fix=fix)


def _stderr() -> int:
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError):
        return subprocess.DEVNULL
