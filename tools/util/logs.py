"""Show what tools log: they print nothing themselves, and whoever calls them decides where it goes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

TOOLS = logging.getLogger("llamapack.tools")
"""The logger above those of all modules of tools/."""


@contextmanager
def shown_by(handler: logging.Handler) -> Iterator[None]:
    """Send what tools log from INFO up to `handler` only; afterwards the logger is as it was."""
    level, propagate = TOOLS.level, TOOLS.propagate
    TOOLS.setLevel(logging.INFO)
    TOOLS.propagate = False
    TOOLS.addHandler(handler)
    try:
        yield
    finally:
        TOOLS.removeHandler(handler)
        TOOLS.setLevel(level)
        TOOLS.propagate = propagate
