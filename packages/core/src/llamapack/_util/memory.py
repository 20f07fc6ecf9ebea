"""How much memory of this machine may still be taken."""

from __future__ import annotations

from llamapack._util.cgroups import left_memory


def available_memory() -> int:
    """Return how many bytes processes can take before the system swaps or refuses; control groups are heeded."""
    import psutil  # it takes 10 ms, and loading a model does not need it

    available = int(psutil.virtual_memory().available)
    allowed = left_memory()
    return available if allowed is None else min(available, allowed)
