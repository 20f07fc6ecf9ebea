"""Objects that cannot be copied, as files and locks cannot."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex


class Uncopyable:
    """Refuses `copy.copy`, `copy.deepcopy` and `pickle` with TypeError.

    A copy would share what the original frees, such as native memory, and use it after that.
    """

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        """Raise TypeError; the modules copy and pickle ask this method first."""
        name = type(self).__name__
        raise TypeError(f"cannot copy or pickle a {name}: it owns something that exists once, such as native memory")
