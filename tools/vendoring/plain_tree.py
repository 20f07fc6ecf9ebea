"""Work on a source tree that has no git history: an unpacked archive, or a developer's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.git.apply import fits
from tools.git.patch import Patch
from tools.git.repository import Git, require_git
from tools.git.snapshot import Snapshot, scratch_index
from tools.util.files import reporting_os_errors
from tools.util.scratch import temporary_folder


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
    """Apply to the files in `folder` those patches of `series` that are not in them yet: all, or none on an error.

    git writes the files: it follows no symbolic link out of the folder, and refuses before it changes anything.
    """
    with reporting_os_errors(f"patching {folder}"), _stored(folder) as git:
        before = _stored_tree(git)
        after, already = _patched(git, before, series)
        git.run("read-tree", "-m", "-u", before, after)
    ordered = [patch.name for patch in series]
    return PlainResult(applied=tuple(ordered[already:]), already=tuple(ordered[:already]))


@contextmanager
def _stored(folder: Path) -> Iterator[Git]:
    if not folder.is_dir():
        raise ToolError(f"{folder} is not a folder.", fix="Name the top folder of a llama.cpp source tree.")
    require_git()
    with temporary_folder("plain") as store:
        made = Git.create(store)
        yield Git(folder=folder.resolve(), dir=made.dir)


def _stored_tree(git: Git) -> str:
    git.run("add", "--all", "--force", "--", ".")
    return git.ask("write-tree")


def _patched(git: Git, tree: str, series: tuple[Patch, ...]) -> tuple[str, int]:
    """Return the tree with the whole series, and how many of its patches were in it before."""
    for already in range(len(series), -1, -1):
        with scratch_index(git, tree) as index:
            if all(fits(index, patch, "--reverse") for patch in reversed(series[:already])):
                break
    with scratch_index(git, tree) as index:
        for patch in series[already:]:
            if not fits(index, patch):
                raise ToolError(
                    f"{patch.name} does not apply to {git.folder}.",
                    why=f"It changes {', '.join(patch.files)}, which differ there from what it expects.",
                    fix="Nothing was changed. Use a tree of the pinned llama.cpp, or the tree as it is.",
                )
        return index.ask("write-tree"), already
