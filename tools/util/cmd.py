"""Run a program and keep what it said, so that a failure can be explained."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a program returned."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float | None = None,
    stdin: str | None = None,
) -> Result:
    """Run `argv` and return its output as text; with `check`, a non-zero status is a ToolError.

    `env` replaces the whole environment when given. A missing program is a ToolError too.
    """
    words = tuple(os.fspath(word) for word in argv)
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(
            f"{words[0]} was not found.",
            why=f"It is needed for: {shlex.join(words)}",
            fix=f"Install {words[0]} and put it on PATH.",
        ) from error
    result = Result(argv=words, returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)
    if check and result.returncode != 0:
        raise ToolError(
            f"{shlex.join(words)} failed with status {result.returncode}.",
            why=(result.stderr or result.stdout).strip()[-4000:],
        )
    return result
