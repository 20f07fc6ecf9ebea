"""The state of the terminal: it shows no keys while nobody reads them, and is put right when a signal ends the chat."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def quiet() -> Iterator[None]:
    """Show no keys during the block: they would stand in the middle of what is written.

    Enter and Ctrl-D stay what they are, for prompt_toolkit to see afterwards; Ctrl-C still interrupts.
    """
    if sys.platform == "win32" or sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    import termios

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    changed = termios.tcgetattr(number)
    changed[0] &= ~termios.ICRNL
    changed[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON)
    changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
    termios.tcsetattr(number, termios.TCSANOW, changed)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(number, termios.TCSANOW, before)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise SystemExit during the block, with the status that shells give; a second one kills.

    One that is ignored, as by nohup, stays so.
    """
    received: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    usual = {number: signal.getsignal(number) for number in numbers}
    for number, handler in usual.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, end)
    try:
        yield
    except OSError:
        if not received:
            raise
        raise SystemExit(128 + received[0]) from None  # the terminal is gone, and takes no last words
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
