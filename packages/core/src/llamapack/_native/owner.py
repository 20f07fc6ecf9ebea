"""Own one native object: free it once, say so when it is used afterwards."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from llamapack.errors import ClosedError

Pointer = TypeVar("Pointer")


class Owner(Generic[Pointer]):
    """The owner of one native object and of the objects made from it.

    Closing twice is fine. A parent closes its children first; a child keeps its parent alive. What is still open
    at interpreter exit is freed then, newest first.
    """

    _kind: ClassVar[str] = "object"

    def __init__(self, pointer: Pointer, free: Callable[[Pointer], object], parent: Owner[Any] | None = None) -> None:
        """Take over `pointer`, which `free` gives back."""
        self._pointer: Pointer | None = pointer
        self._parent = parent
        self._children: weakref.WeakSet[Owner[Any]] = weakref.WeakSet()
        self._finalizer = weakref.finalize(self, free, pointer)
        if parent is not None:
            parent._children.add(self)

    @property
    def closed(self) -> bool:
        """True once `close` was called."""
        return self._pointer is None

    @property
    def _handle(self) -> Pointer:
        pointer = self._pointer
        if pointer is None:
            raise ClosedError(f"This {self._kind} is closed.", fix=f"Make a new {self._kind}, or close it later.")
        return pointer

    def close(self) -> None:
        """Free the native object and everything made from it."""
        for child in list(self._children):
            child.close()
        self._pointer = None
        self._finalizer()

    def __enter__(self: Self) -> Self:
        """Return the object itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the object."""
        self.close()


Self = TypeVar("Self", bound=Owner[Any])
