"""What keeps a release from being made, as the gates find it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One reason not to release: the gate that found it, the file or project, what is wrong, and what to do."""

    gate: str
    file: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        """Return it as one or two lines."""
        return f"{self.gate}: {self.file}: {self.what}" + (f"\n  {self.fix}" if self.fix else "")


def report(faults: Sequence[Fault], *, passed: str) -> str:
    """Return what a person reads: every fault and their number, or `passed` if there is none."""
    if not faults:
        return passed
    number = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}: nothing may be uploaded."
    return "\n".join([*map(str, faults), number])
