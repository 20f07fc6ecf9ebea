"""Long calls that may call Python back. None may be left when the interpreter goes: it would end the calling thread in
the middle of C++, and with it the process."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import TypeVar

from llamapack.errors import StateError

Result = TypeVar("Result")

_SIGNAL_INTERVAL = 0.1  # seconds
_LONGEST_WAIT = 10.0  # seconds; a call is stopped within one node of the graph, or one tensor of a file

_changed = threading.Condition()
_running = 0
_exiting = False
_stoppers: list[Callable[[], object]] = []


def exiting() -> bool:
    """Return True once the interpreter is about to exit: callbacks then ask their call to stop."""
    return _exiting


def stop_at_exit(stop: Callable[[], object]) -> None:
    """Have `stop` called at exit; it asks the running calls that it knows to stop."""
    _stoppers.append(stop)


def end_if_exiting() -> None:
    """End a daemon thread without a word if the interpreter is exiting; the main thread gets StateError."""
    if _exiting:
        if threading.current_thread() is threading.main_thread():
            raise StateError("The interpreter is exiting.", fix="Use llamapack before it does.")
        raise SystemExit


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Count a call; at exit, when none may begin any more, a daemon thread ends here."""
    global _running
    with _changed:
        end_if_exiting()
        _running += 1
    try:
        yield
    finally:
        with _changed:
            _running -= 1
            _changed.notify_all()


def interruptible(work: Callable[[], Result]) -> Result:
    """Return the result of `work`, which Ctrl-C can stop waiting for: it runs in a thread of its own then.

    It is for native calls that nothing can stop. One that nobody waits for any more runs to its end.
    """
    if threading.current_thread() is not threading.main_thread():
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
    thread.start()
    while thread.is_alive():
        thread.join(_SIGNAL_INTERVAL)  # without a limit, some systems do not let a signal through
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


weakref.finalize(_finish, int).atexit = False  # weakref's exit hook, which frees what is left, comes after ours
atexit.register(_finish)


def _begin_anew() -> None:
    """In a forked child: the calls of the parent's threads are not here, nor is whoever held the lock."""
    global _changed, _running
    _changed = threading.Condition()
    _running = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
