"""Tell PyInstaller where the hook is."""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """Return the folders that PyInstaller searches for hooks."""
    return [str(Path(__file__).resolve().parent)]
