"""A terminal with a program in it: what is typed, and the screen that comes of it, by pyte."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType

import pyte

SECONDS = 120
"""After so long without what a test waits for, it fails."""

ENTER, ESCAPE, CTRL_C, CTRL_D, UP = "\r", "\x1b", "\x03", "\x04", "\x1b[A"
ALT_ENTER = ESCAPE + ENTER


class _Screen(pyte.HistoryScreen):
    """A screen that answers where the cursor is."""

    answer: Callable[[str], None] = staticmethod(lambda _: None)

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Change the size; of fewer lines, those down to the cursor stay, and others go to the history, as in xterm."""
        above = max(0, self.cursor.y + 1 - (lines or self.lines))
        self.history.top.extend(self.buffer[number] for number in range(above))
        kept, row = [self.buffer[above + number] for number in range(lines or self.lines)], self.cursor.y - above
        super().resize(lines, columns)
        self.buffer.update(enumerate(kept))
        self.cursor.y = row

    def write_process_input(self, data: str) -> None:
        self.answer(data)


class Terminal:
    """A program in a terminal; use it in a `with` block, which ends the program."""

    def __init__(
        self, command: Sequence[str], *, columns: int = 80, rows: int = 24, variables: Mapping[str, str | None] = {}
    ) -> None:
        self._screen = _Screen(columns, rows, history=10_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self._ended = False
        self.raw = b""
        master, slave = pty.openpty()
        self._master = master
        self._screen.answer = self.send
        self._set_size(columns, rows)
        wanted = {**os.environ, "TERM": "xterm-256color", **variables}
        self._child = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={name: value for name, value in wanted.items() if value is not None},
            preexec_fn=_begin,
        )
        os.close(slave)

    def send(self, text: str) -> None:
        """Type, as it is."""
        os.write(self._master, text.encode())

    def enter(self, text: str) -> None:
        """Type a line, and Enter."""
        self.send(text + ENTER)

    def wait(self, *texts: str) -> str:
        """Wait until all of these are on the screen or above it, wrapped or not, and return all that is there."""
        wanted = ["".join(text.split()) for text in texts]
        return self.wait_for(
            lambda screen: all(text in "".join(screen.split()) for text in wanted), f"{texts} on the screen"
        )

    def wait_for(self, holds: Callable[[str], bool], what: str) -> str:
        """Wait until something holds for what is there."""
        end = time.monotonic() + SECONDS
        while not holds(self._all()):
            if self._ended:
                raise AssertionError(f"The program ended without {what}:\n{self._all()}")
            if time.monotonic() > end:
                raise AssertionError(f"There was no {what} within {SECONDS} seconds:\n{self._all()}")
            self._read(end - time.monotonic())
        return self._all()

    @property
    def text(self) -> str:
        """All that is above the window, and in it."""
        self._read_what_is_there()
        return self._all()

    @property
    def window(self) -> str:
        """What is in the window."""
        self._read_what_is_there()
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def style(self, text: str) -> pyte.screens.Char:
        """Return the first character of `text` in the window, with its colour and style."""
        self._read_what_is_there()
        for number, line in enumerate(self._screen.display):
            if (at := line.find(text)) >= 0:
                return self._screen.buffer[number][at]
        raise AssertionError(f"{text!r} is not in the window.")

    @property
    def cursor_is_hidden(self) -> bool:
        self._read_what_is_there()
        return bool(self._screen.cursor.hidden)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def shows_what_is_typed(self) -> bool:
        """Whether the terminal is as programs expect it: line by line, with an echo."""
        flags = termios.tcgetattr(self._master)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)

    def signal(self, number: int) -> None:
        """Send a signal to the program."""
        os.kill(self._child.pid, number)

    def close(self) -> None:
        """Close the window: the program is told, and its terminal is gone."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window; the program is told by a signal."""
        self._read_what_is_there()
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def end(self) -> int:
        """Wait for the end of the program, and return its status."""
        if self._master >= 0:
            end = time.monotonic() + SECONDS
            while self._read(end - time.monotonic()):
                pass
        return self._child.wait(timeout=SECONDS)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _all(self) -> str:
        above = [
            "".join(line[column].data for column in range(self._screen.columns)) for line in self._screen.history.top
        ]
        return "\n".join(line.rstrip() for line in (*above, *self._screen.display)).rstrip()

    def _read(self, seconds: float) -> bool:
        """Show what the program writes within some seconds, if anything, and return whether it did."""
        if self._ended or self._master not in select.select([self._master], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # Linux's word for: the program has ended
            data = b""
        self._ended = not data
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def _read_what_is_there(self) -> None:
        while self._master >= 0 and self._read(0):
            pass

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self.close()


def _begin() -> None:
    """In the new process: use the terminal, and no signals as they were inherited, such as from nohup."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGWINCH):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def module(*arguments: str) -> list[str]:
    """Return the command line that runs a module with this Python."""
    return [sys.executable, "-m", *arguments]


def words(text: str) -> list[str]:
    """Return the words of an answer, without what markdown is made of."""
    return [word for word in text.replace("*", " ").replace(".", " ").split() if word]
