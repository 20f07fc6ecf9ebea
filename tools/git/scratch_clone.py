"""A repository for a moment, that sees another one's objects and none of its settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tools.git.repository import Git
from tools.util.scratch import temporary_folder

_CONFIG = """\
[core]
	repositoryformatversion = 0
	bare = false
	autocrlf = false
	eol = lf
	longPaths = true
[gc]
	auto = 0
"""


@contextmanager
def scratch_clone(git: Git) -> Iterator[Git]:
    """Give an empty working tree with a repository that knows every object of `git`.

    What it makes goes away with it. Configuration, attributes, hooks and refs of `git` do not reach it.
    """
    with temporary_folder("clone") as folder:
        clone = Git.at(folder)
        # By hand, because `git init` takes longer than most of what these repositories are made for.
        for name in ("objects/info", "refs"):
            (clone.dir / name).mkdir(parents=True)
        (clone.dir / "HEAD").write_text("ref: refs/heads/scratch\n", encoding="utf-8", newline="\n")
        (clone.dir / "config").write_text(_CONFIG, encoding="utf-8", newline="\n")
        objects = str((git.common_dir / "objects").resolve())
        # Quoted as git quotes names, so that any folder name is read as one.
        quoted = objects.replace("\\", "\\\\").replace('"', '\\"')
        (clone.dir / "objects" / "info" / "alternates").write_text(f'"{quoted}"\n', encoding="utf-8", newline="\n")
        if (git.common_dir / "shallow").exists():
            (clone.dir / "shallow").write_bytes((git.common_dir / "shallow").read_bytes())
        yield clone
