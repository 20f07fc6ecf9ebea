"""Allow one call at a time on a native object that threads must not share."""

from __future__ import annotations

import threading
from typing import Any

from llamapack._native.owner import Lifetime
from llamapack.errors import ThreadError


class ExclusiveUse:
    """A lock around the calls on one native object, which also keeps the object alive until the call ends.

    A second thread gets ThreadError instead of waiting: two threads that use the same object are a mistake in the
    program, and waiting would hide it.
    """

    __slots__ = ("_kind", "_lifetime", "_lock", "_remedy", "_user")

    def __init__(self, lifetime: Lifetime[Any], *, kind: str, remedy: str) -> None:
        """Guard the native object of `lifetime`; `kind` and `remedy` are its name and the fix in error messages."""
        self._lifetime = lifetime
        self._kind = kind
        self._remedy = remedy
        self._lock = threading.Lock()
        self._user: threading.Thread | None = None

    def __enter__(self) -> None:
        """Begin a call; raises ThreadError if another call is running."""
        if not self._lock.acquire(blocking=False):
            raise self._refusal()
        self._user = threading.current_thread()
        self._lifetime.hold()

    def __exit__(self, *_: object) -> None:
        """End the call."""
        self._user = None
        self._lock.release()
        self._lifetime.drop()

    def _refusal(self) -> ThreadError:
        here, user = threading.current_thread(), self._user
        if user is here:
            return ThreadError(
                f"A callback in the thread {here.name!r} cannot use this {self._kind}, which is waiting for it.",
                fix="Let the callback only record what to do, and do it after the call.",
            )
        return ThreadError(
            f"The thread {here.name!r} cannot use this {self._kind}: "
            f"the thread {user.name if user else None!r} is using it.",
            fix=self._remedy,
        )
