"""The Metal backend of llamapack, which finds it by itself. Importing this does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llamapack.backends.contract import BackendPlugin


def describe() -> BackendPlugin:
    """Return what llamapack must know of the library here."""
    from pathlib import Path

    from llamapack.backends.contract import read_plugin

    return read_plugin(Path(__file__).parent / "lib")
