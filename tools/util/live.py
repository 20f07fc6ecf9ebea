"""Where vendoring reports a step that takes long; a logger is about to replace it."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]


def quiet(message: str) -> None:
    """Report nothing."""
