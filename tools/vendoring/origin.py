"""What packages are copied from: the tracking repository, or a tree of the developer's own; and what may be said of it.

A manifest names only what is found here in the tree itself, never what should be in it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, shorten
from tools.git.conflict_markers import HEADER, files_with_own_markers, marked_files
from tools.git.format_patch import committed_patches
from tools.git.patch import Patch, read_series, series_digest
from tools.git.repository import Commits, Git
from tools.git.snapshot import Snapshot, changed_blobs, tree_now
from tools.git.worktree_state import State, read_state
from tools.paths import Checkout
from tools.vendoring.journal import current_operation, unfinished_steps
from tools.vendoring.mismatch import require_standing
from tools.vendoring.plain_tree import plain_snapshot
from tools.vendoring.source.filters import Section
from tools.vendoring.source.pin import Pin
from tools.vendoring.source.tracking import BASE, our_branch, tracking_repository

log = logging.getLogger(f"llamapack.{__name__}")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A tree that packages are copied from, and what may be said of it."""

    snapshot: Snapshot
    patches: tuple[Patch, ...]
    """The files of patches/ that it has."""
    pin: Pin | None = None
    """The pinned llama.cpp that it is made from; None for a tree of the developer's own."""
    series_sha256: str = ""


@contextmanager
def local_origin(source: Path, series: tuple[Patch, ...]) -> Iterator[Origin]:
    """Yield a tree of the developer's own, with `series` applied to the copy."""
    with plain_snapshot(source, series) as snapshot:
        yield Origin(snapshot=snapshot, patches=series)


@contextmanager
def tracking_origin(checkout: Checkout, pin: Pin) -> Iterator[Origin]:
    """Yield the tracking repository's working tree, including edits.

    Raises ToolError if it is in conflict, or does not stand on the pin and on patches/.
    """
    git = tracking_repository(checkout)
    state, ours = refuse_unfinished(git), our_branch(git)
    require_standing(checkout, git, pin, state, ours)
    snapshot = Snapshot(git=git, tree=tree_now(git, state.dirty))
    _refuse_markers(git, snapshot)
    patches = read_series(checkout.patches)
    held = contained_patches(git, snapshot, patches, ours.commits)
    if missing := [patch.name for patch in patches if patch not in held]:
        log.warning("%s is without these patches as patches/ has them: %s", git.folder, shorten(missing))
    yield Origin(snapshot=snapshot, patches=held, pin=pin, series_sha256=series_digest(patches))


def refuse_unfinished(git: Git) -> State:
    """Return the state of the repository; ToolError while an operation is open or files are in conflict."""
    state, operation = read_state(git), current_operation(git)
    if not (operation or state.operation or state.conflicted):
        return state
    names = f" Files in conflict: {', '.join(state.conflicted)}." if state.conflicted else ""
    what = f"An unfinished {operation.kind if operation else state.operation or 'merge'} is open in {git.folder}."
    raise ToolError(
        f"{what}{names}",
        why="A tree in the middle of it is neither the old nor the new source.",
        fix=f"Next: {'; or '.join(unfinished_steps(state, operation))}",
    )


def _refuse_markers(git: Git, snapshot: Snapshot) -> None:
    if not (found := marked_files(git, BASE, snapshot.tree)):
        return
    own = files_with_own_markers(git.run("log", "--format=%B", f"{BASE}..HEAD").stdout)
    if marked := [path for path in found if path not in own]:
        raise ToolError(
            f"Conflict markers are in {', '.join(marked)} of {git.folder}.",
            fix=f"Resolve them; then run it again. If they belong to the file, commit it there with this line in the "
            f"message: {HEADER}: {marked[0]}",
        )


def refuse_other_source(checkout: Checkout, source: Path, sections: Sequence[Section]) -> None:
    """Raise ToolError for a `source` that is no tree of llama.cpp, or that holds what would be replaced."""
    if not source.is_dir():
        raise ToolError(f"{source} is not a folder.", fix="Name the top folder of a llama.cpp source tree.")
    if not (source / "ggml").is_dir():
        raise ToolError(
            f"{source} is no tree of llama.cpp: it has no ggml folder.",
            fix="Name the top folder of a llama.cpp source tree.",
        )
    for section in sections:
        into = (checkout.root / section.into).resolve()
        if into.is_relative_to(source.resolve()) or source.resolve().is_relative_to(into):
            raise ToolError(f"{source} and {into}, which is to be replaced, overlap.", fix="Copy it elsewhere first.")


def contained_patches(git: Git, snapshot: Snapshot, patches: Sequence[Patch], commits: Commits) -> tuple[Patch, ...]:
    """Return those of `patches` that the tree of `snapshot`, on top of `commits`, has.

    These are the ones that are commits as they are, and whose files no edit and no other commit changes.
    """
    written = committed_patches(git, commits)
    named = {patch.sha256 for patch in patches}
    changed = set(changed_blobs(git, "HEAD^{tree}", snapshot.tree))
    for commit in commits:
        if written.get(commit) not in named:
            changed |= set(changed_blobs(git, f"{commit}^", commit))
    held = set(written.values())
    return tuple(patch for patch in patches if patch.sha256 in held and not changed & set(patch.files))
