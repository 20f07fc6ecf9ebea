"""What the runners of child processes share: a command, how a process ended, and the limits that hold for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LONGEST_REPORT = 1 << 20  # bytes
LONGEST_LINE = 300  # characters of what it printed, in a message
LONGEST_OUTPUT = 8 << 10  # bytes: the end of what the process printed
SECONDS_TO_DIE = 5.0  # a process that hangs in a system call of a driver cannot be killed; it is left behind then
MARK = "LLAMAPACK_PROBE_RUN"  # set in the environment of a child, and so of everything that the child starts

# Returns the words of a command, given the descriptor (on Windows: the handle) that the child writes its report to.
Command = Callable[[int], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class ProcessResult:
    """How a child process ended: `status` is its exit status, negative for a signal, None if its time was up."""

    status: int | None
    report: bytes
    output: str
    seconds: float

    def with_last_line(self, what: str) -> str:
        """Return `what` happened, followed by the last line that the process printed, which often says why."""
        last = next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")
        return f"{what}: {last[:LONGEST_LINE]}" if last else what


def is_child() -> bool:
    """Return True if this process is, or was started by, a child of llamapack."""
    return MARK in os.environ


def child_environment(mark: str) -> dict[str, str]:
    """Return the environment of a child: that of this process, and the mark by which its processes are found."""
    return {**os.environ, MARK: mark}


def output_tail(output: bytes) -> str:
    """Return the end of what a child printed."""
    return output[-LONGEST_OUTPUT:].decode("utf-8", "replace")
