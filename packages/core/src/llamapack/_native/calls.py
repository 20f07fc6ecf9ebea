"""Count the long calls that may call Python back. None may be running when the interpreter exits: it would end the
calling thread in the middle of C++ code, and with it the process.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from llamapack.errors import StateError

Result = TypeVar("Result")

_SIGNAL_INTERVAL = 0.1  # seconds
_LONGEST_WAIT = 10.0  # seconds; a call is stopped within one node of the graph, or one tensor of a file

_lock = threading.RLock()
_changed = threading.Condition(_lock)
_running = 0
_exiting = False
_stoppers: list[Callable[[], object]] = []


def at_exit(function: Callable[[], object]) -> None:
    """Register `function` to be called at exit before objects that are still open are freed, as weakref does then."""
    weakref.finalize(function, int).atexit = False  # registers weakref's own hook, which then runs after this one
    atexit.register(function)


def exiting() -> bool:
    """Return True once the interpreter is about to exit: callbacks then ask their call to stop."""
    return _exiting


def stop_at_exit(stop: Callable[[], object]) -> None:
    """Register `stop` to be called at exit, so that it can stop the running calls it is responsible for."""
    _stoppers.append(stop)


def end_if_exiting() -> None:
    """If the interpreter is exiting, end a daemon thread silently; raise StateError in the main thread."""
    if _exiting:
        if threading.current_thread() is threading.main_thread():
            raise StateError("The interpreter is exiting.", fix="Use llamapack before it does.")
        raise SystemExit


class _Running:
    """What `running` returns: no generator, because each piece of a stream is a call."""

    def __enter__(self) -> None:
        global _running
        with _lock:
            end_if_exiting()
            _running += 1

    def __exit__(self, *_: object) -> None:
        global _running
        with _lock:
            _running -= 1
            if _exiting:
                _changed.notify_all()


_counted = _Running()


def running() -> AbstractContextManager[None]:
    """Count the block as a running call. Once the interpreter is exiting, a daemon thread ends here."""
    return _counted


def interruptible(work: Callable[[], Result]) -> Result:
    """Run `work` and return its result. In the main thread, Ctrl-C can end the waiting for it.

    For native calls that cannot be stopped: they run in another thread, and to their end even after Ctrl-C.
    """
    if _exiting or threading.current_thread() is not threading.main_thread():
        return work()
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with running():
                results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="llamapack-call", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # since Python 3.12, no thread can be started once the interpreter is exiting
        return work()
    while thread.is_alive():
        thread.join(_SIGNAL_INTERVAL)  # without a timeout, some systems deliver no signal meanwhile
    if errors:
        raise errors[0]
    return results[0]


def _finish() -> None:
    global _exiting
    with _changed:
        _exiting = True
    for stop in _stoppers:
        stop()
    with _changed:
        _changed.wait_for(lambda: _running <= 0, _LONGEST_WAIT)


at_exit(_finish)


def _reset_after_fork() -> None:
    """Reset the state in a forked child: the parent's threads do not exist here, nor does the lock's holder."""
    global _changed, _lock, _running
    _lock = threading.RLock()
    _changed = threading.Condition(_lock)
    _running = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
