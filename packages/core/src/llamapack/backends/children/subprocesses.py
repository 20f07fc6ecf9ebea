"""Run programs side by side, each with a pipe of its own for its report, whatever they do.

When one ends, or its time is up, everything that it started is killed too: what is left in its process group and, on
Linux, what went into another session. No pipe is read until its end, because somebody else may hold it open.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llamapack.backends.children.processes import (
    LONGEST_OUTPUT,
    LONGEST_REPORT,
    MARK,
    SECONDS_TO_DIE,
    Command,
    ProcessResult,
    child_environment,
    output_tail,
)


def run_children(commands: Sequence[Command], seconds: float) -> tuple[ProcessResult, ...]:
    """Run all `commands` at the same time, each for `seconds` at most, and return in their order how they ended.

    Raises OSError if a process cannot be started.
    """
    if sys.platform == "win32":
        from llamapack.backends.children.subprocesses_windows import run_children as run_on_windows

        return run_on_windows(commands, seconds)
    with contextlib.ExitStack() as stack:
        children = []
        for command in commands:
            children.append(child := _Child.start(command))
            stack.callback(child.kill)
        with selectors.DefaultSelector() as selector:
            for child in children:
                child.register(selector)
            _watch(children, selector, seconds)
        return tuple(child.end() for child in children)


@dataclass(kw_only=True)
class _Child:
    process: subprocess.Popen[bytes]
    mark: str
    report_pipe: int
    output_pipe: int
    began: float
    report: bytearray = field(default_factory=bytearray)
    output: bytearray = field(default_factory=bytearray)
    ended: ProcessResult | None = None

    @classmethod
    def start(cls, command: Command) -> _Child:
        mark = os.urandom(16).hex()
        with contextlib.ExitStack() as stack:
            pipes = [_pipe(stack) for _ in range(2)]
            (report, report_end), (output, output_end) = pipes
            process = subprocess.Popen(
                list(command(report_end)),
                stdin=subprocess.DEVNULL,
                stdout=output_end,
                stderr=output_end,
                pass_fds=(report_end,),
                env=child_environment(mark),
                start_new_session=True,
            )
            stack.pop_all()
        for end in (report_end, output_end):
            os.close(end)
        for pipe in (report, output):
            os.set_blocking(pipe, False)
        return cls(process=process, mark=mark, report_pipe=report, output_pipe=output, began=time.monotonic())

    def register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self.report_pipe, selectors.EVENT_READ, self)
        selector.register(self.output_pipe, selectors.EVENT_READ, self)

    def read(self, pipe: int) -> bool:
        """Read what the pipe has; return False at its end."""
        try:
            data = os.read(pipe, 1 << 16)
        except BlockingIOError:
            return True
        if pipe == self.report_pipe:
            self.report += data[: LONGEST_REPORT - len(self.report)]
        else:
            self.output += data
            del self.output[:-LONGEST_OUTPUT]
        return bool(data)

    def has_ended(self) -> bool:
        """Return whether the process ended; it is not reaped yet, so that its group keeps its number."""
        if not hasattr(os, "waitid"):
            return self.process.poll() is not None
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def kill(self) -> None:
        """End the process and all that it started, take what is left in the pipes, and note how it ended."""
        if self.ended is not None:
            return
        in_time = self.has_ended()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        kill_marked(self.mark)
        status = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(SECONDS_TO_DIE)
        for pipe in (self.report_pipe, self.output_pipe):
            self._drain(pipe)
            os.close(pipe)
        self.ended = ProcessResult(
            status=status if in_time else None,
            report=bytes(self.report),
            output=output_tail(bytes(self.output)),
            seconds=time.monotonic() - self.began,
        )

    def _drain(self, pipe: int) -> None:
        """Read what the pipe has now, and no more: another process may still write to it."""
        for _ in range(64):
            before = len(self.report) if pipe == self.report_pipe else -1
            if not self.read(pipe) or before == len(self.report):
                return

    def end(self) -> ProcessResult:
        self.kill()
        assert self.ended is not None
        return self.ended


def _watch(children: Sequence[_Child], selector: selectors.BaseSelector, seconds: float) -> None:
    """Read until each child has ended or its time is up."""
    running = list(children)
    while running:
        now = time.monotonic()
        for child in list(running):
            if child.has_ended() or now - child.began >= seconds:
                for pipe in (child.report_pipe, child.output_pipe):
                    with contextlib.suppress(KeyError):
                        selector.unregister(pipe)
                child.kill()
                running.remove(child)
        # A child that closed its pipes has a moment left to end; one that has not wakes us when it writes.
        for key, _ in selector.select(timeout=0.02) if running else ():
            if not key.data.read(key.fd):
                selector.unregister(key.fd)


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    """Make a pipe whose two ends are closed if `stack` unwinds."""
    ends = [_move_fd(end) for end in os.pipe()]
    for end in ends:
        stack.callback(os.close, end)
    return ends[0], ends[1]


def _move_fd(end: int) -> int:
    """Move a descriptor that took the place of a closed standard stream: the child gets a new one there."""
    if end > 2:
        return end
    import fcntl

    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(end)
    return moved


def kill_marked(mark: str, proc: Path = Path("/proc")) -> int:
    """Kill what has `mark` in its environment, whatever session it went to; return how many. Linux only."""
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return 0
    words = f"{MARK}={mark}".encode()
    killed = 0
    with contextlib.suppress(OSError):
        for name in os.listdir(proc):  # noqa: PTH208  # some hundred names, of which none becomes a Path
            if name.isdigit() and int(name) != os.getpid():
                killed += _kill_if_marked(int(name), proc, words)
    return killed


def _kill_if_marked(pid: int, proc: Path, words: bytes) -> bool:
    try:
        handle = os.pidfd_open(pid)  # before reading, so that the number cannot pass to somebody else
    except OSError:
        return False
    try:
        with open(f"{proc}/{pid}/environ", "rb") as file:  # noqa: PTH123  # as above
            marked = words in file.read().split(b"\0")
        if marked:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        return marked
    except OSError:
        return False
    finally:
        os.close(handle)
