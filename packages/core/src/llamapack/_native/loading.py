"""Watch the loading of a model: pass its progress on, and stop it at the caller's wish or at the end of the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from llamapack._native.callbacks import GuardedCallback
from llamapack._native.calls import end_if_exiting, exiting
from llamapack.errors import CancelledError

Step = TypeVar("Step")
Progress = Callable[[float], "bool | None"]
"""Gets the part that is loaded, from 0 to 1; False stops loading."""


class LoadWatcher(Generic[Step]):
    """Keeps an exception, or a request to stop, from `answer`, which C calls with each step of loading."""

    def __init__(self, path: Path, progress: Progress | None, part_of: Callable[[Step], float]) -> None:
        """Watch the loading of `path`; `part_of` returns how much is loaded by what C says of a step."""
        self._path = path
        self._progress = progress
        self._part_of = part_of
        self._stopped_at: float | None = None
        self._guarded: GuardedCallback[Step, bool] = GuardedCallback(self._tell, otherwise=False)
        self.answer = self._guarded.answer

    def raise_if_stopped(self) -> None:
        """Raise what `progress` raised, or CancelledError if it stopped the loading."""
        end_if_exiting()
        self._guarded.raise_error()
        if self._stopped_at is not None:
            raise CancelledError(
                f"Loading {self._path} was stopped by the progress callback at {self._stopped_at:.0%}."
            )

    def _tell(self, step: Step) -> bool:
        part = self._part_of(step)
        if exiting() or (self._progress is not None and self._progress(part) is False):
            self._stopped_at = part
            return False
        return True
