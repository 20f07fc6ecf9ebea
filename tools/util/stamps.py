"""What something was made from, written beside it: the next run can tell whether to make it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.util.atomic_files import write_text

Key = Mapping[str, str]
"""Names of inputs and what each was: a digest, a version, a path."""


def changed(stamp: Path, key: Key) -> tuple[str, ...]:
    """Return the names of the inputs that differ from those in `stamp`; all of them if it does not exist."""
    known = read(stamp)
    return tuple(sorted(name for name in {*known, *key} if known.get(name) != key.get(name)))


def read(stamp: Path) -> dict[str, str]:
    """Return what `stamp` holds; empty if it is missing or damaged."""
    try:
        held = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in held.items()} if isinstance(held, dict) else {}


def write(stamp: Path, key: Key) -> None:
    """Write `stamp` in one step: a reader sees the old one or the new one."""
    write_text(stamp, json.dumps(dict(key), indent=2, sort_keys=True) + "\n")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(root: Path, files: Iterable[Path]) -> str:
    """Return one digest for the names below `root` and the contents of `files`, in any order given."""
    whole = hashlib.sha256()
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files):
        whole.update(f"{name}\0{file_digest(path)}\n".encode())
    return whole.hexdigest()
