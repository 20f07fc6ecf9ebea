"""What a runner logs: lines for the logger `llamapack.native`, errors of loading, and the last ones for an error."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections import deque
from collections.abc import Sequence
from typing import IO

from llamapack._native.log import logger

_LINE = re.compile(r"<([3-7])>(.*)", re.DOTALL)
_LEVELS = {"3": logging.ERROR, "4": logging.WARNING, "5": logging.INFO, "6": logging.INFO, "7": logging.DEBUG}
_KEPT = 20


class Log:
    """Reads the standard error of a process, in a thread of its own."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Begin to read."""
        self._last: deque[str] = deque(maxlen=_KEPT)
        self._held: list[str] | None = []
        self._lock = threading.Lock()
        self._stream = stream
        self._thread = threading.Thread(target=self._read, name="llamapack-runner-log", daemon=True)
        self._thread.start()

    @property
    def last(self) -> tuple[str, ...]:
        """The last lines, the newest at the end."""
        with self._lock:
            return tuple(self._last)

    def release(self) -> Sequence[str]:
        """Return the errors so far, which were not logged: they explain why a model is not loaded. Later ones are."""
        with self._lock:
            held, self._held = self._held or [], None
        return held

    def finish(self, seconds: float) -> None:
        """Wait for the end of what is logged, so long at most: something that the process started may go on."""
        self._thread.join(seconds)

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._stream:
            for line in self._stream:
                self._take(line.decode("utf-8", "replace").rstrip("\r\n"))

    def _take(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        # What has no level is printed by libraries, the reason for a crash among it.
        level, text = (_LEVELS[found[1]], found[2]) if found else (logging.WARNING, line)
        with self._lock:
            self._last.append(text)
            if level >= logging.ERROR and self._held is not None:
                self._held.append(text)
                return
        with contextlib.suppress(Exception):  # a handler's; the next line is to be read
            logger.log(level, "%s", text)
