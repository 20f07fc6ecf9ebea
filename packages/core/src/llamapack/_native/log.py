"""llama.cpp's log lines, as records of the logger `llamapack.native`; silent until logging is configured."""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
from collections.abc import Iterator

from llamapack._native import _generated as api
from llamapack._native.library import native

logger = logging.getLogger("llamapack.native")

# ggml_log_level, whose numbers are upstream's own
_LEVELS = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}
_capture = threading.local()
_installed: int | None = None


def _on_line(level: int, line: bytes, _user_data: object) -> None:
    text = line.decode("utf-8", "replace")
    number = _LEVELS.get(level, logging.INFO)
    lines: list[str] | None = getattr(_capture, "lines", None)
    if lines is not None and number >= logging.ERROR:
        lines.append(text)
    else:
        logger.log(number, "%s", text)


_callback = api.llamapack_log_callback(_on_line)


def sync_log_level() -> None:
    """Ask llama.cpp for the lines that the logger's present level lets through, and for errors always."""
    global _installed
    wanted = logger.getEffectiveLevel()
    minimum = next((ours for ours, theirs in _LEVELS.items() if theirs >= wanted), 4)
    if _installed is None:
        atexit.register(_silence)
    if _installed != minimum:
        _installed = minimum
        native().llamapack_log_set(_callback, None, minimum)


def _silence() -> None:
    """Stop calling Python: no interpreter is there for llama.cpp's last words."""
    native().llamapack_log_set(api.llamapack_log_callback(), None, 4)


@contextlib.contextmanager
def captured_errors() -> Iterator[list[str]]:
    """Collect this thread's error lines instead of logging them, to explain the failure of a call."""
    sync_log_level()
    outer = getattr(_capture, "lines", None)
    lines: list[str] = []
    _capture.lines = lines
    try:
        yield lines
    finally:
        _capture.lines = outer
