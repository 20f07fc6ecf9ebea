"""Run other programs and wait for them: every module of tools/ does it here.

run         Keep the output, so that a failure can be explained.
run_live    Show the output as it comes, on standard error.
run_logged  Write the output to a file, and log only the steps of a build.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tools.errors import ToolError

log = logging.getLogger(f"llamapack.{__name__}")

Argument = str | os.PathLike[str]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a program returned."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[Argument],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float | None = None,
    stdin: str | None = None,
) -> Result:
    """Run `argv` and return its output as text; with `check`, a non-zero status is a ToolError.

    `env` replaces the whole environment when given. A missing program is a ToolError too. Text goes in and comes out
    with its line endings, and with bytes that are not UTF-8 as surrogates: patches may have either.
    """
    command = tuple(os.fspath(argument) for argument in argv)
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            input=None if stdin is None else stdin.encode("utf-8", "surrogateescape"),
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(
            f"{command[0]} was not found.",
            why=f"It is needed for: {shlex.join(command)}",
            fix=f"Install {command[0]} and put it on PATH.",
        ) from error
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    result = Result(argv=command, returncode=done.returncode, stdout=out, stderr=err)
    if check and result.returncode != 0:
        raise ToolError(
            f"{shlex.join(command)} failed with status {result.returncode}.",
            why=(result.stderr or result.stdout).strip()[-4000:],
        )
    return result


def run_live(
    argv: Sequence[Argument],
    *,
    what: str,
    fix: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run `argv` with its output on standard error and no input; a non-zero status is a ToolError.

    `what` begins the error: "The core wheel could not be built". Standard output stays free for answers.
    """
    command = [os.fspath(argument) for argument in argv]
    try:
        done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=_stderr(), check=False)
    except FileNotFoundError as error:
        raise ToolError(f"{what}.", why=f"{command[0]} was not found.", fix=fix) from error
    if done.returncode != 0:
        why = f"{shlex.join(command)} ended with status {done.returncode}; its own messages are above."
        raise ToolError(f"{what}.", why=why, fix=fix)


def run_logged(
    argv: Sequence[Argument],
    *,
    log_file: Path,
    what: str,
    fix: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run `argv` as `run_live` does, with its output in the file `log_file` and only the steps of a build logged.

    llama.cpp compiles with many warnings; they are in the file. On failure the end of the file is logged.
    """
    command = [os.fspath(argument) for argument in argv]
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("w+", encoding="utf-8", errors="replace") as file:
        try:
            status = _run_into(file, command, cwd, env)
        except FileNotFoundError as error:
            raise ToolError(f"{what}.", why=f"{command[0]} was not found.", fix=fix) from error
        if status != 0:
            file.seek(0)
            log.error("".join(deque(file, SHOWN_ON_FAILURE)).rstrip())
            end = f"the end of its output is above, all of it in {log_file}."
            why = f"{shlex.join(command)} ended with status {status}; {end}"
            raise ToolError(f"{what}.", why=why, fix=fix)


def _run_into(file: TextIO, command: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None) -> int:
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:
        assert child.stdout is not None
        shown = 0
        for line in child.stdout:
            file.write(line)
            if (step := STEP.match(line)) and _worth_showing(step, shown):
                shown = int(step["done"])
                log.info(line.rstrip())
    return child.returncode


def _worth_showing(step: re.Match[str], shown: int) -> bool:
    """Show one step in a hundredth of the whole, and the last."""
    done, all_steps = int(step["done"]), int(step["all"])
    return done == all_steps or done < shown or done - shown >= max(1, all_steps // 100)


STEP = re.compile(r"\[(?P<done>\d+)/(?P<all>\d+)\] ")  # as ninja counts
SHOWN_ON_FAILURE = 60  # lines


def _stderr() -> int:
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError):
        return subprocess.DEVNULL
