"""Where files are kept that can be made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "LLAMAPACK_CACHE_DIR"


def cache_folder(name: str) -> Path | None:
    """Return the folder `name` in LLAMAPACK_CACHE_DIR, or in the system's caches; None if there is no home."""
    if named := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(named)).absolute() / name  # noqa: PTH111  # Path's raises for ~nobody
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
    elif sys.platform == "darwin":
        base = home / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base.absolute() / "llamapack" / name
