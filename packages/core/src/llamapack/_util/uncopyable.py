"""A base class for objects that cannot be copied or pickled, as with files and locks."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex


class Uncopyable:
    """Makes `copy.copy`, `copy.deepcopy` and `pickle` raise TypeError.

    A copy would share what the original frees, such as native memory, and use it afterwards.
    """

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        """Raise TypeError; `copy` and `pickle` call this method first."""
        name = type(self).__name__
        raise TypeError(f"cannot copy or pickle a {name}: it owns something that exists once, such as native memory")
