"""The judge of instructions for each processor."""

from __future__ import annotations

from collections.abc import Mapping

from tools.audit.arm import Arm
from tools.audit.code import Judge
from tools.audit.x86 import X86

_ARM = Arm()
JUDGES: Mapping[str, Judge] = {"x86_64": X86(), "aarch64": _ARM, "arm64": _ARM}
"""By machine, as library.Library names it."""


def judge_of(machine: str) -> Judge | None:
    """Return the judge of code for `machine`; None if none works on this machine."""
    return None if why_not(machine) else JUDGES[machine]


def why_not(machine: str) -> str:
    """Return why code for `machine` cannot be judged here; empty if it can."""
    return JUDGES[machine].unavailable() if machine in JUDGES else "nothing here disassembles them"
