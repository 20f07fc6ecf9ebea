"""What a reference stands for: files on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """The files of one model: `path` is the first, and `parts` are all of them if it is split, in order."""

    reference: str  # as it was given
    path: Path
    parts: tuple[Path, ...]
    projector: Path | None = None
    draft: Path | None = None
