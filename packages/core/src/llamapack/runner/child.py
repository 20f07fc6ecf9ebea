"""One process of llamapack-runner: started, watched, ended.

It ends when its standard input does, which is the end of a pipe in this process: so it does not outlive it.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from llamapack._native import _generated as api
from llamapack.backends.children.exit_status import describe_end
from llamapack.engine.loading import load_error
from llamapack.errors import LlamapackError, RunnerError
from llamapack.runner.configuration import Wanted, address_of, socket_folder
from llamapack.runner.connection import Address
from llamapack.runner.log import Log
from llamapack.runner.program import runner_path

_LOOK_SECONDS = 0.05  # Python looks for Ctrl-C, and for `close`, so often
_TO_END_SECONDS = 2.0  # by itself; then it is killed
_LAST_WORDS_SECONDS = 1.0
_NEW_GROUP_WITHOUT_WINDOW = 0x08000200  # on Windows: a console's Ctrl-C is not for it
_STATUS = {
    "options": api.llamapack_status.INVALID,
    "conflict": api.llamapack_status.CONFLICT,
    "memory": api.llamapack_status.NO_MEMORY,
}

Report = Mapping[str, Any]


class Child:
    """A process, which is loading a model or has loaded it."""

    def __init__(self, wanted: Wanted, *, ask: bool = False) -> None:
        """Start it; it begins to load, but with `ask` only after `measure` and `proceed`.

        Raises RunnerError if the system starts no process.
        """
        self._wanted = wanted
        self._key = secrets.token_hex(32)
        self.address: Address | None = None
        self.failure = ""
        self.ready = self.retired = False
        self.can_roll_back = False
        """Whether what the model remembers of a prompt can be cut off at any token; known when it is ready."""
        self._reports: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._unread: list[Report | None] = []
        place = socket_folder()
        try:
            self.process = _start(wanted)
        except OSError as error:
            _remove(place)
            raise RunnerError(
                f"No process can be started for {wanted.path}.",
                status=None,
                log=(),
                why=str(error),
                fix="Reinstall llamapack, and see that its folder is not on a file system without programs (noexec).",
            ) from error
        self._end = weakref.finalize(self, _end, self.process, place, os.getpid())
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.log = Log(self.process.stderr)
        reader = threading.Thread(
            target=_read_reports, args=(self.process.stdout, weakref.ref(self)), name="llamapack-runner", daemon=True
        )
        reader.start()
        self._say(wanted.configuration(self._key, place, ask=ask))

    @property
    def usable(self) -> bool:
        """False once it has ended, or is about to."""
        return not self.failure and not self.retired and self._end.alive and self.process.poll() is None

    def measure(self, stopped: Callable[[], bool], *, again: bool = False) -> Report | None:
        """Wait for what the model will take of each memory, and what of that is free; None if it loads or has ended.

        `again` has it measured anew. Returns None as well when `stopped` returns True.
        """
        if again:
            self._say(b"measure\n")
        while not stopped():
            try:
                report = self._reports.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if report is not None and report["state"] == "measured":
                return report
            if report is None or report["state"] != "listening":
                self._unread.append(report)  # for `load`
                return None
        return None

    def proceed(self) -> None:
        """Let it load, after `measure`."""
        self._say(b"load\n")

    def _say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it has ended, and its reports say so
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def load(self, tell: Callable[[Report], bool], stopped: Callable[[], bool]) -> None:
        """Wait until the model is loaded. `tell` gets the steps, and returns False to stop, which ends the process.

        Returns as well when `stopped` returns True. Raises as Engine does, and RunnerError if the process ends.
        """
        try:
            while not stopped():
                try:
                    report = self._unread.pop() if self._unread else self._reports.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    continue
                if report is None or not self._take(report, tell):
                    break
        except BaseException:
            self.end()
            raise

    def _take(self, report: Report, tell: Callable[[Report], bool]) -> bool:
        """Return whether more is to come before the model is loaded."""
        match report["state"]:
            case "loading":
                if not tell(report):
                    self.end()
                    return False
            case "ready":
                self.ready, self.can_roll_back = True, bool(report["can_roll_back"])
                return False
            case "failed":
                status = _STATUS.get(report["kind"], api.llamapack_status.INTERNAL)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(_TO_END_SECONDS)
                self.log.finish(_LAST_WORDS_SECONDS)
                raise load_error(self._wanted.path, int(status), str(report["error"]), self.log.release())
        return True

    def note(self, report: Report | None) -> None:
        """Take a report, in the thread that reads them; None at their end."""
        if report is not None and report["state"] == "listening":
            self.address = address_of(report["address"], self._key)
        if report is not None and report["state"] == "failed":
            self.failure = str(report["error"])
        if report is not None and report["state"] == "draining":
            self.retired = True  # somebody else asked it to end: it takes no more requests
        self._reports.put(report)

    def why_gone(self, doing: str) -> LlamapackError:
        """Return the error that it does not answer any more; waits a moment for its end."""
        status = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(_TO_END_SECONDS)
        self.log.finish(_LAST_WORDS_SECONDS)
        lines = self.log.last
        what = f"The process of {self._wanted.path} {describe_end(status)} while it was {doing}."
        why = "\n".join(([self.failure] if self.failure else []) + (["Its log ends:", *lines] if lines else []))
        return RunnerError(
            what, status=status, log=lines, why=why, fix="The next call starts it again. If it goes on, report it."
        )

    def end(self) -> None:
        """End it, and all that it has; safe to call twice, and from any thread."""
        self._end()

    def abandon(self) -> None:
        """In a forked process: leave it to the parent process, and do not hold its pipe open."""
        self._end.detach()
        pipe = self.process.stdin
        if pipe is not None and not pipe.closed:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, pipe.fileno(), inheritable=False)
            os.close(nothing)


def part_of(step: Report) -> float:
    """Return how much is loaded after a step, from 0 to 1."""
    return min(1.0, (int(step["number"]) - 1 + float(step["part"])) / max(int(step["count"]), 1))


def _start(wanted: Wanted) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(runner_path()), "--supervised"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=wanted.folder,
        env=wanted.environment(),
        start_new_session=sys.platform != "win32",  # Ctrl-C is for this process, which decides what it means
        creationflags=_NEW_GROUP_WITHOUT_WINDOW if sys.platform == "win32" else 0,
    )


def _read_reports(stream: Any, child: weakref.ref[Child]) -> None:
    def note(report: Report | None) -> None:
        if (whose := child()) is not None:
            whose.note(report)

    with contextlib.suppress(OSError, ValueError), stream:
        for line in stream:
            note(json.loads(line))
    note(None)


def _end(process: subprocess.Popen[bytes], place: Path | None, parent: int) -> None:
    if os.getpid() != parent:
        return
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_TO_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _remove(place)


def _remove(place: Path | None) -> None:
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)
