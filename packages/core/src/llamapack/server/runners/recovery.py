"""What is changed after a fault of a runner, so that the next one does not fail in the same way."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from llamapack.backends.children.exit_status import crash_name
from llamapack.backends.cpu import CpuLevel, cpu_levels
from llamapack.backends.selection.request import CPU
from llamapack.errors import (
    InputError,
    LlamapackError,
    ModelFormatError,
    ModelMemoryError,
    ModelNotFoundError,
    RunnerError,
)
from llamapack.runner.configuration import Wanted
from llamapack.server.settings import ModelSettings

FaultKind = Literal["memory", "instruction", "library", "file", "options", "killed", "hang", "crash", "other"]
Outlook = Literal["changed", "same", "futile"]
"""How the next runner is loaded: otherwise than the last one; as that was; or so, although that will not help."""
logger = logging.getLogger("llamapack.server")

_FAULTS = 2
"""So many in a row are no coincidence."""
_MEMORY = re.compile(r"out of memory|failed to allocate|bad_alloc|not enough memory", re.IGNORECASE)
_LIBRARY = re.compile(
    r"error while loading shared libraries|cannot open shared object|symbol lookup error|image not found"
)
_BY_CRASH: Mapping[str | None, FaultKind] = {
    "SIGILL": "instruction",
    "STATUS_ILLEGAL_INSTRUCTION": "instruction",
    "SIGKILL": "killed",
    "SIGTERM": "killed",
    "STATUS_DLL_NOT_FOUND": "library",
    "STATUS_ENTRYPOINT_NOT_FOUND": "library",
    "STATUS_DLL_INIT_FAILED": "library",
}
_COMMAND_NOT_STARTED = 127


def kind_of(error: LlamapackError, *, hung: bool = False) -> FaultKind:
    """Return what kind of fault an error is. `hung` says that the process gave no sign of life, and was ended."""
    if hung:
        return "hang"
    if isinstance(error, ModelMemoryError):
        return "memory"
    if isinstance(error, (ModelNotFoundError, ModelFormatError)):
        return "file"
    if isinstance(error, InputError):
        return "options"
    return _kind_of_end(error) if isinstance(error, RunnerError) else "other"


def _kind_of_end(error: RunnerError) -> FaultKind:
    said = "\n".join((*error.log, error.why))
    kind = None if error.status is None else _BY_CRASH.get(crash_name(error.status))
    if kind == "instruction":
        return kind
    if _MEMORY.search(said):
        return "memory"
    if error.status == _COMMAND_NOT_STARTED or _LIBRARY.search(said):
        return "library"
    return kind or ("other" if error.status is None else "crash")


class Recovery:
    """How a model is loaded next: as it was told, until faults speak against that.

    `options` and `hardware` are those of `ModelSettings`; `notes` says what was changed in them, and why.
    """

    def __init__(self, model: ModelSettings) -> None:
        """Begin with what the model's settings say."""
        self.options: Mapping[str, object] = model.options
        self.hardware: Mapping[str, Any] = model.hardware
        self.notes: list[str] = []
        self._name = model.name
        self._less_memory = deque(model.on_out_of_memory)
        self._in_a_row = 0
        self._instructions = 0

    def forget(self) -> None:
        """Count anew: the runner was well for some time."""
        self._in_a_row = self._instructions = 0

    def after(self, kind: FaultKind, used: Wanted | None) -> Outlook:
        """Change what speaks for itself after a fault, and return what to expect of the next runner.

        `used` is what the runner was told; None if it was not even started.
        """
        if kind == "memory" or (kind == "killed" and self._less_memory):
            return self._take_less_memory()
        if used is None or kind in ("file", "options", "killed", "other"):
            return "futile"
        if kind == "instruction":
            return self._after_instruction(used)
        return self._after_crash(used)

    def _take_less_memory(self) -> Outlook:
        if not self._less_memory:
            return "futile"
        step = self._less_memory.popleft()
        self.options = {**self.options, **step}
        told = ", ".join(f"{name}={value}" for name, value in step.items())
        self._say(f"It ran out of memory, and is loaded with {told}.")
        return "changed"

    def _after_instruction(self, used: Wanted) -> Outlook:
        self._instructions += 1
        if used.cpu.asked:
            return "futile"
        if self._instructions < _FAULTS:
            return "same"
        lower = next_lower(cpu_levels(), used.cpu.level)
        if lower is None:
            return "futile"
        self._instructions = 0
        self.hardware = {**self.hardware, "cpu_level": lower.name}
        self._say(f"The CPU level {used.cpu.level.name} failed {_FAULTS} times, so {lower.name} is used.")
        return "changed"

    def _after_crash(self, used: Wanted) -> Outlook:
        backends = used_backends(used)
        if not backends:
            return "futile"
        self._in_a_row += 1
        if self._in_a_row < _FAULTS:
            return "same"
        first, *others = backends
        if not others and self.hardware.get("require_gpu"):
            return "futile"
        self._in_a_row = 0
        self.hardware = {**self.hardware, "backends": others or CPU, "devices": None}
        instead = ", ".join(others) or "the CPU alone"
        self._say(f"The backend {first} failed {_FAULTS} times in a row, so it is left out, and {instead} is used.")
        return "changed"

    def _say(self, what: str) -> None:
        self.notes.append(what)
        logger.error("%s: %s", self._name, what)


def used_backends(used: Wanted) -> list[str]:
    """Return the backends that a runner uses beside the CPU, in their order."""
    loaded = [backend.name for backend in used.choice.backends if backend.loaded]
    return list(dict.fromkeys([*(device.backend for device in used.choice.used), *loaded]))


def next_lower(levels: Iterable[CpuLevel], used: CpuLevel) -> CpuLevel | None:
    """Return the best level below the one in use that this processor runs."""
    lower = [level for level in levels if level.supported and level.score < used.score]
    return max(lower, key=lambda level: level.score, default=None)
