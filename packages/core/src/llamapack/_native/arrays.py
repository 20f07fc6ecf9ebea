"""numpy arrays over native memory, which stays allocated as long as they exist."""

from __future__ import annotations

import ctypes
import math
import weakref
from typing import TYPE_CHECKING, Any

from llamapack._native.owner import Lifetime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class _Memory:
    """The base object of arrays over native memory: it holds the native object until the last array is gone."""

    def __init__(self, address: int, shape: tuple[int, ...], lifetime: Lifetime[Any]) -> None:
        self.__array_interface__ = {"data": (address, True), "shape": shape, "typestr": "<f4", "version": 3}
        lifetime.hold()
        # Not at exit: an array may still be in use then, and the system frees all memory soon.
        weakref.finalize(self, lifetime.drop).atexit = False


class Views:
    """The arrays that show one object's memory and still exist."""

    def __init__(self, lifetime: Lifetime[Any]) -> None:
        """Start without arrays; each array will keep the native object of `lifetime` alive."""
        self._lifetime = lifetime
        self._alive: weakref.WeakSet[_Memory] = weakref.WeakSet()

    def __bool__(self) -> bool:
        """Return True if any of the arrays still exists."""
        return len(self._alive) > 0

    def floats(self, pointer: ctypes._Pointer[ctypes.c_float], shape: tuple[int, ...], *, copy: bool) -> Floats:
        """Return `shape` floats starting at `pointer`: a copy, or a read-only array over the memory itself."""
        import numpy as np

        address = ctypes.cast(pointer, ctypes.c_void_p).value
        if address is None or not math.prod(shape):
            return np.empty(shape, dtype=np.float32)
        memory = _Memory(address, shape, self._lifetime)
        view = np.asarray(memory)
        if copy:
            return view.copy()
        self._alive.add(memory)
        return view


def normalized(rows: Floats) -> Floats:
    """Return the rows divided by their Euclidean length; a row of zeros stays a row of zeros."""
    import numpy as np

    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)
