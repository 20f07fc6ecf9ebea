"""Small models for a stand-in hub, and a look into the cache."""

from __future__ import annotations

import random
from pathlib import Path

from tests.support.gguf.files import Description, encode, text, tiny_model


def model(name: str = "tiny", more: int = 0, described: Description | None = None) -> bytes:
    """Return a model of 20 KB that loads; `more` bytes at random follow it."""
    data = encode((described or tiny_model()).with_value("general.name", text(name))).data
    return bytes(data) + random.Random(name).randbytes(more)  # noqa: S311  # no secret


DATA = model(more=300_000)
"""The contents of the model in a hub with one."""


def files_in(folder: Path) -> list[str]:
    """Return all files and links beneath a folder, but for the locks that huggingface_hub keeps, too."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(name for name in found if not name.startswith(".locks/") and name != "CACHEDIR.TAG")
