"""llama.cpp's log lines, as records of the logger `llamapack.native`; silent until logging is configured."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Generator, Iterable, Iterator

from llamapack._native import _generated as api
from llamapack._native.calls import at_exit
from llamapack._native.library import native

logger = logging.getLogger("llamapack.native")
# Without a handler anywhere, Python would print warnings and errors by itself.
logging.getLogger("llamapack").addHandler(logging.NullHandler())

# ggml_log_level, whose numbers are upstream's own
_LEVELS = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}
_ERRORS = 4

_capture = threading.local()
_installed: int | None = None
_raised: dict[int, BaseException] = {}  # by thread: the exception of a log handler, or Ctrl-C in it


def _lines() -> Generator[None, api.To[api.llamapack_log_line], None]:
    """Receive log lines. A generator for the reason given in `GuardedCallback`; llama.cpp sends one line at a time."""
    while True:
        try:
            while True:
                _take((yield).contents)  # type: ignore[union-attr]  # never NULL
        except GeneratorExit:
            return
        except BaseException as error:
            _raised[threading.get_ident()] = error


def _take(line: api.llamapack_log_line) -> None:
    level, text = _LEVELS.get(line.level, logging.INFO), (line.text or b"").decode("utf-8", "replace")
    captured: Captured | None = getattr(_capture, "lines", None)
    if captured is None or not captured.keep(level, text):
        logger.log(level, "%s", text)


_receiver = _lines()
next(_receiver)
_callback = api.llamapack_log_callback(_receiver.send)


class Captured(list[str]):
    """The log lines of one call from a level upwards. Those below the level of errors are logged as well."""

    def __init__(self, level: int) -> None:
        """Keep lines of the logging level `level` and above."""
        super().__init__()
        self._level = level

    def keep(self, level: int, text: str) -> bool:
        """Keep the line if its level is high enough; return True if it does not have to be logged as well."""
        if level >= self._level:
            self.append(text)
        return level >= logging.ERROR


def sync_log_level() -> None:
    """Ask llama.cpp only for lines that the logger's current level lets through; errors always come."""
    _ask_for(log_level_number(logger.getEffectiveLevel()))


def log_level_number(level: int) -> int:
    """Return llama.cpp's number of the lowest level that is not below the logging level `level`."""
    return next((ours for ours, theirs in _LEVELS.items() if theirs >= level), _ERRORS)


def _ask_for(minimum: int) -> None:
    global _installed
    if _installed is None:
        at_exit(_silence)
    if _installed != minimum:
        _installed = minimum
        native().llamapack_log_set(_callback, minimum)


def _silence() -> None:
    """Stop calling Python at exit: llama.cpp may still log when the interpreter is gone."""
    native().llamapack_log_set(api.llamapack_log_callback(), _ERRORS)


def raise_pending() -> None:
    """Raise an exception that a log handler raised in this thread during a call, Ctrl-C included."""
    if _raised:
        error = _raised.pop(threading.get_ident(), None)
        if error is not None:
            raise error


@contextlib.contextmanager
def captured_lines(level: int) -> Iterator[list[str]]:
    """Collect this thread's log lines of the logging level `level` and above.

    Errors are not logged then, because they become part of an exception; other lines are. An exception from a log
    handler is raised when the block ends.
    """
    sync_log_level()
    if level < logging.ERROR and _installed is not None:
        _ask_for(min(_installed, log_level_number(level)))
    outer, lines = getattr(_capture, "lines", None), Captured(level)
    _capture.lines = lines
    try:
        yield lines
    finally:
        _capture.lines = outer
        if level < logging.ERROR:
            sync_log_level()
        raise_pending()


def reason_in(lines: Iterable[str]) -> str:
    """Return captured lines as the reason in a message: each once, without the function that it begins with."""
    return "\n".join(dict.fromkeys(line.split(": ", 1)[-1].strip() for line in lines))


def captured_errors() -> contextlib.AbstractContextManager[list[str]]:
    """Collect this thread's error lines instead of logging them, to explain the failure of a call."""
    return captured_lines(logging.ERROR)
