"""Own native objects: each is freed once, after it was closed or garbage-collected and no call uses it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, ClassVar, Generic, TypeVar

from llamapack._util.uncopyable import Uncopyable
from llamapack.errors import ClosedError, StateError

Pointer = TypeVar("Pointer")
Result = TypeVar("Result")

# Reentrant, because the garbage collector may end one object while another is being ended.
_lock = threading.RLock()
_owners: weakref.WeakSet[Owner[Any]] = weakref.WeakSet()
_forks = 0


class Lifetime(Generic[Pointer]):
    """How long one native object lives: until its owner is closed or gone, and the last hold is dropped.

    A hold is a running call, an object made from this one, or an array over its memory. An object that is still held
    when the interpreter exits is left to the operating system.
    """

    __slots__ = ("__weakref__", "_ended", "_forks", "_free", "_freed", "_holds", "_parent", "_pointer")

    def __init__(self, pointer: Pointer, free: Callable[[Pointer], object], parent: Lifetime[Any] | None) -> None:
        """Begin without holds; keep `parent` alive until `pointer` is freed."""
        self._pointer = pointer
        self._free = free
        self._parent = parent
        self._holds = 0
        self._ended = self._freed = False
        self._forks = _forks
        if parent is not None:
            parent.hold()

    def hold(self) -> None:
        """Keep the native object alive until `drop` is called as many times as `hold`."""
        with _lock:
            self._holds += 1

    def drop(self) -> None:
        """Drop one hold; the last one frees the object if its owner no longer needs it."""
        with _lock:
            self._holds -= 1
            if self._holds or not self._ended:
                return
        self._free_if_over()

    def end(self) -> None:
        """Note that the owner no longer needs the object; safe to call twice."""
        with _lock:
            self._ended = True
        self._free_if_over()

    def _free_if_over(self) -> None:
        with _lock:
            if self._holds or self._freed or not self._ended:
                return
            self._freed = True
        if self._forks != _forks:  # the parent process's object: its threads do not exist here
            return
        self._free(self._pointer)
        if self._parent is not None:
            self._parent.drop()


class Owner(Uncopyable, Generic[Pointer]):
    """The owner of one native object and of the objects made from it.

    Closing twice is fine. A parent closes its children first; a child keeps its parent alive. Objects that are still
    open when the interpreter exits are freed then, newest first. After a fork, the objects of the parent process cannot
    be used in the child.

    Using a closed object raises ClosedError; using a parent's object in a forked child raises StateError. `copy` and
    `pickle` raise TypeError.
    """

    _kind: ClassVar[str] = "object"

    def __init__(self, pointer: Pointer, free: Callable[[Pointer], object], parent: Owner[Any] | None = None) -> None:
        """Take ownership of `pointer`; `free` is the function that frees it."""
        self._pointer: Pointer | None = pointer
        self._parent = parent
        self._children: weakref.WeakSet[Owner[Any]] = weakref.WeakSet()
        self.lifetime: Lifetime[Pointer] = Lifetime(pointer, free, None if parent is None else parent.lifetime)
        self._finalizer = weakref.finalize(self, self.lifetime.end)
        if parent is not None:
            parent._children.add(self)
        _owners.add(self)

    @property
    def closed(self) -> bool:
        """True once `close` was called."""
        return self._pointer is None

    @property
    def handle(self) -> Pointer:
        """For this package: the native object; raises ClosedError once it is closed."""
        pointer = self._pointer
        if pointer is None:
            raise self._unusable()
        return pointer

    def require_open(self) -> None:
        """For this package: raise ClosedError, or StateError in a forked child, if the object cannot be used."""
        if self._pointer is None:
            raise self._unusable()

    def using(self) -> AbstractContextManager[Pointer]:
        """For this package: keep the native object alive during a call, even if another thread closes it."""
        return _Use(self)

    def call(self, function: Callable[..., Result], *arguments: object) -> Result:
        """For this package: call a native function with the object and `arguments`, keeping the object alive."""
        with self.using() as pointer:
            return function(pointer, *arguments)

    def close(self) -> None:
        """Free the native object and everything made from it; raises ThreadError while another thread is in a call."""
        family = list(self._family())
        with ExitStack() as calls:
            for owner in family:
                calls.enter_context(owner._unused())
            for owner in family:
                owner._pointer = None
        for owner in family:
            owner._finalizer()

    def _family(self) -> Iterator[Owner[Any]]:
        """Yield all objects made from this one, the youngest generation first, and then this one."""
        for child in list(self._children):
            yield from child._family()
        yield self

    def _unused(self) -> AbstractContextManager[object]:
        """Return a block that raises if a call is running; objects that threads may share have nothing to check."""
        return nullcontext()

    def _unusable(self) -> StateError:
        if self.lifetime._forks != _forks:
            return StateError(
                f"This {self._kind} was made before the process forked, and cannot be used in the child.",
                why="llama.cpp's threads stayed behind in the parent.",
                fix=f"Make a new {self._kind} in the child, or start processes by multiprocessing's `spawn`.",
            )
        return ClosedError(f"This {self._kind} is closed.", fix=f"Make a new {self._kind}, or close it later.")

    def __enter__(self: Self) -> Self:
        """Return the object itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the object."""
        self.close()


Self = TypeVar("Self", bound=Owner[Any])


class _Use(AbstractContextManager[Pointer]):
    """What `Owner.using` returns: no generator, because each piece of a stream is a use."""

    __slots__ = ("_owner",)

    def __init__(self, owner: Owner[Pointer]) -> None:
        self._owner = owner

    def __enter__(self) -> Pointer:
        with _lock:
            pointer = self._owner.handle
            self._owner.lifetime.hold()
        return pointer

    def __exit__(self, *_: object) -> None:
        self._owner.lifetime.drop()


def _leave_behind() -> None:
    """In a forked child: make the parent's objects unusable, and never free them."""
    global _forks, _lock
    _lock = threading.RLock()
    _forks += 1
    for owner in list(_owners):
        owner._pointer = None
        owner._finalizer.detach()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_behind)
