"""Run code in a child process, in which no CPU level has been chosen yet."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of a child process."""

    status: int
    out: str
    err: str


def python(code: str, *arguments: str | Path, cwd: Path | None = None, **variables: str) -> Answer:
    """Run `code`; `variables` are added to the environment."""
    return _run(["-c", code, *map(str, arguments)], b"", cwd, variables)


def command(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None, **variables: str) -> Answer:
    """Run the command `llamapack`."""
    return _run(["-m", "llamapack", *map(str, arguments)], stdin, cwd, variables)


def _run(arguments: list[str], stdin: bytes, cwd: Path | None, variables: dict[str, str]) -> Answer:
    done = subprocess.run(
        [sys.executable, *arguments],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **variables},
        check=False,
        timeout=300,
    )
    return Answer(status=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())
