"""A repository for a moment, that sees another one's objects and none of its settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.git.repository import Git
from tools.util.files import remove_tree


@contextmanager
def scratch_clone(git: Git) -> Iterator[Git]:
    """Give an empty working tree with a repository that knows every object of `git`.

    What it makes goes away with it. Configuration, attributes, hooks and refs of `git` do not reach it.
    """
    folder = Path(tempfile.mkdtemp(prefix="llamapack-scratch-"))
    try:
        clone = Git.create(folder)
        objects = str((git.dir / "objects").resolve())
        (clone.dir / "objects" / "info").mkdir(parents=True, exist_ok=True)
        # Quoted as git quotes names, so that any folder name is read as one.
        quoted = objects.replace("\\", "\\\\").replace('"', '\\"')
        (clone.dir / "objects" / "info" / "alternates").write_text(f'"{quoted}"\n', encoding="utf-8", newline="\n")
        if (git.dir / "shallow").exists():
            (clone.dir / "shallow").write_bytes((git.dir / "shallow").read_bytes())
        yield clone
    finally:
        remove_tree(folder)
