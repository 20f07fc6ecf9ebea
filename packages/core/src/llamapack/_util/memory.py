"""How much memory this machine has, and how much of it may still be taken."""

from __future__ import annotations

from llamapack._util.cgroups import left_memory, memory_limit


def available_memory() -> int:
    """Return how many bytes processes can take before the system swaps or refuses; control groups are heeded."""
    import psutil  # it takes 10 ms, and loading a model does not need it

    available = int(psutil.virtual_memory().available)
    allowed = left_memory()
    return available if allowed is None else min(available, allowed)


def total_memory() -> int:
    """Return how many bytes of memory this machine has; limits of control groups are heeded."""
    import psutil

    total, limit = int(psutil.virtual_memory().total), memory_limit()
    return total if limit is None else min(total, limit)
