"""Work on a source tree that has no git history: an unpacked archive, or a developer's own folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.git.patch import Patch
from tools.git.repository import Git
from tools.git.snapshot import Snapshot, scratch_index
from tools.util.files import write_file


@dataclass(frozen=True, kw_only=True)
class PlainResult:
    """What patching a plain tree did."""

    applied: tuple[str, ...]
    already: tuple[str, ...]


@contextmanager
def plain_snapshot(folder: Path, series: tuple[Patch, ...] = ()) -> Iterator[Snapshot]:
    """Give `folder` as a tree, with `series` applied to the copy; the folder itself is not changed."""
    with _stored(folder) as git:
        tree = _stored_tree(git)
        yield Snapshot(git=git, tree=_patched(git, tree, series)[0] if series else tree)


def patch_folder(folder: Path, series: tuple[Patch, ...]) -> PlainResult:
    """Apply to the files in `folder` those patches of `series` that are not in them yet: all, or none on an error."""
    with _stored(folder) as git:
        before = _stored_tree(git)
        after, already = _patched(git, before, series)
        names = git.names("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=d", before, after)
        gone = git.names("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=D", before, after)
        ids = [f"{after}:{name}" for name in names]
        modes = [git.ask("ls-tree", after, "--", name).partition(" ")[0] for name in names]
        for name, mode, content in zip(names, modes, git.blobs(ids), strict=True):
            write_file(folder / name, content, executable=mode == "100755")
        for name in gone:
            (folder / name).unlink(missing_ok=True)
    ordered = [patch.name for patch in series]
    return PlainResult(applied=tuple(ordered[already:]), already=tuple(ordered[:already]))


@contextmanager
def _stored(folder: Path) -> Iterator[Git]:
    if not folder.is_dir():
        raise ToolError(f"{folder} is not a folder.", fix="Name the top folder of a llama.cpp source tree.")
    with tempfile.TemporaryDirectory(prefix="llamapack-plain-", ignore_cleanup_errors=True) as store:
        made = Git.create(Path(store))
        yield Git(folder=folder.resolve(), dir=made.dir)


def _stored_tree(git: Git) -> str:
    git.run("add", "--all", "--force", "--", ".")
    return git.ask("write-tree")


def _patched(git: Git, tree: str, series: tuple[Patch, ...]) -> tuple[str, int]:
    """Return the tree with the whole series, and how many of its patches were in it before."""
    for already in range(len(series), -1, -1):
        with scratch_index(git, tree) as index:
            if all(_apply(index, patch, reverse=True) for patch in reversed(series[:already])):
                break
    with scratch_index(git, tree) as index:
        for patch in series[already:]:
            if not _apply(index, patch):
                raise ToolError(
                    f"{patch.name} does not apply to {git.folder}.",
                    why=f"It changes {', '.join(patch.files)}, which differ there from what it expects.",
                    fix="Nothing was changed. Use a tree of the pinned llama.cpp, or the tree as it is.",
                )
        return index.ask("write-tree"), already


def _apply(index: Git, patch: Patch, *, reverse: bool = False) -> bool:
    options = ["--reverse"] if reverse else []
    return index.run("apply", "--cached", *options, "-", check=False, stdin=patch.text).returncode == 0
