"""Keep what a maintainer did: copies outside the checkout before anything is replaced."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from tools.checkout import Checkout
from tools.paths import cache_dir


def save_copies(checkout: Checkout, paths: Sequence[Path]) -> Path:
    """Copy files of the checkout to a new folder below the cache, and return it."""
    folder = _new_folder()
    for path in paths:
        target = folder / path.relative_to(checkout.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target, follow_symlinks=False)
    return folder


def stamp() -> str:
    """Return the time as a name that sorts: 20261122-190501-123456."""
    return datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-%f")


def _new_folder() -> Path:
    folder = cache_dir() / "backups" / stamp()
    folder.mkdir(parents=True)
    return folder
