"""Tell whether the tracking repository stands on the pin, and on the series that patches/ holds.

What is there is read from the commits themselves; the notes of earlier commands only say which way to go.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.errors import ToolError, shorten
from tools.git.format_patch import committed_patches
from tools.git.patch import read_patches
from tools.git.repository import Git
from tools.git.worktree_state import State
from tools.paths import Checkout
from tools.vendoring.journal import known_series, last_series
from tools.vendoring.source.pin import Pin
from tools.vendoring.source.tracking import BRANCH, OurBranch, trees_of, verify, way_to_ours

APPLY, CREATE = "inv vendor.apply-patches", "inv vendor.create-patches"


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """Why the tracking repository is not what pin and patches/ describe, edits and new commits aside."""

    what: str
    fix: str
    """The command that brings them together."""


def find_mismatch(checkout: Checkout, git: Git, pin: Pin, branch: OurBranch) -> Mismatch | None:
    """Return what pin or patches/ have and the tracking repository does not, or None.

    Commits that are not written yet are none: the maintainer is ahead of patches/ then, not behind.
    """
    base, ours = branch.base, branch.ours
    if base != pin.commit:
        return Mismatch(what=f"it stands on {base[:9] or 'no noted commit'}, and {pin.commit[:9]} is pinned", fix=APPLY)
    if not ours:
        return Mismatch(what=f"it has no branch {BRANCH}", fix=APPLY)
    if not branch.stands:
        return Mismatch(what=f"{BRANCH} does not stand on the pinned {base[:9]}", fix=APPLY)
    patches, last = read_patches(checkout.patches), last_series(git)
    given = [patch.sha256 for patch in patches]
    if given == last:
        return None
    written = list(committed_patches(git, branch.commits).values())
    missing = [patch for patch in patches if patch.sha256 not in written]
    if given == written or (last is None and not missing):
        return None
    known = known_series(git)
    if foreign := [patch.name for patch in missing if patch.sha256 not in known]:
        return Mismatch(what=f"these files of patches/ were never applied there: {shorten(foreign)}", fix=APPLY)
    if last is None:
        names = shorten([patch.name for patch in missing])
        return Mismatch(what=f"these files of patches/ are not applied there: {names}", fix=APPLY)
    return Mismatch(what="patches/ has changed since it was applied there", fix=APPLY if written == last else CREATE)


def require_standing(checkout: Checkout, git: Git, pin: Pin, state: State, branch: OurBranch) -> None:
    """Raise ToolError if a copy of the tracking repository would be called what it is not."""
    if state.branch != BRANCH:
        raise ToolError(
            f"HEAD of {git.folder} is on {state.branch or 'no branch'}, and the packages are made from {BRANCH}.",
            fix=f"{way_to_ours(git)}\n"
            f"To build from what is checked out, as a tree of your own: inv vendor.sync --source vendor/llama.cpp",
        )
    if found := find_mismatch(checkout, git, pin, branch):
        raise ToolError(
            f"{git.folder} is not what pin and patches/ say: {found.what}.",
            why="A copy of it would be called what it is not.",
            fix=f"Run: {found.fix} vendor.sync",
        )
    verify(pin, trees_of(git, pin.commit))
