"""Say what to do next, in one place for every command: following it must end where nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.bindgen.freshness import REGENERATE
from tools.errors import shorten
from tools.git.worktree_state import State
from tools.vendoring.journal import Operation, unfinished_steps
from tools.vendoring.mismatch import APPLY, CREATE, Mismatch
from tools.vendoring.source.manifest import Problem
from tools.vendoring.source.tracking import BRANCH, REPOSITORY

SYNC = "inv vendor.sync"
DISCARD = "inv vendor.sync --discard (undoes edits in synced trees; a copy is saved)"
COMMIT = f"git add --all; git commit, in {REPOSITORY} (to keep the edits)"
RESET = f"git reset, in {REPOSITORY} (the files are as committed; what is staged beside them is forgotten)"
NEW_PATCH = 'inv vendor.new-patch "What it does" (to keep the edits)'


@dataclass(frozen=True, kw_only=True)
class TrackingFacts:
    """What counts, of the tracking repository, for what comes next."""

    state: State
    operation: Operation | None
    staged_only: bool
    """Whether the files are HEAD's on our branch, and only the index is not."""
    branch: str
    has_ours: bool
    """Whether there is our branch; a maintainer may have removed it."""
    mismatch: Mismatch | None
    unexported: bool
    """Whether it has commits that no patch file holds."""
    only_head: bool
    """Whether our branch does not have all of these, so that going there takes the name of some."""
    is_series: bool
    """Whether its commits are the files of patches/, no more and no fewer."""


def tracking_steps(facts: TrackingFacts) -> tuple[str, ...]:
    """Return what has to happen before a sync copies exactly the pin and the patches; empty if nothing has to."""
    if steps := unfinished_steps(facts.state, facts.operation):
        return steps
    if facts.branch != BRANCH and facts.has_ours:
        name = "git branch mine HEAD; " if facts.only_head else ""
        return (f"{name}git checkout {BRANCH}, in {REPOSITORY}",)
    discard = f"{APPLY} --discard (a backup ref is left)"
    if facts.staged_only:
        return (RESET,)
    if facts.state.dirty:
        return (NEW_PATCH,) if facts.has_ours else (COMMIT, discard)
    if facts.mismatch and facts.unexported and facts.mismatch.fix == APPLY:
        name = BRANCH if facts.has_ours else "HEAD"
        keep = f"git branch mine {name}, in {REPOSITORY}; {APPLY}; git cherry-pick COMMIT there for each of yours"
        return (keep, discard)
    if facts.mismatch:
        return (facts.mismatch.fix,)
    return () if facts.is_series and not facts.unexported else (CREATE,)


def tree_steps(problems: Iterable[Problem], *, stale: bool, local: bool, unknown: bool) -> tuple[str, ...]:
    """Return what makes the packages' trees what the tracking repository has; empty if they are that.

    `unknown` tells of a tree with files and without a manifest, so that nobody knows what was edited there.
    """
    if unknown:
        return ("inv vendor.clean --discard (removes the trees in the packages; copies are saved)",)
    kinds: dict[str, list[str]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem.path)
    if "unlisted" in kinds:
        return (f"move {shorten(kinds['unlisted'])} away, or list them under `own` in vendor/sync.toml",)
    if "edited" in kinds:
        return (DISCARD,)
    if local:
        return (f"{SYNC} (back to the pinned llama.cpp)",)
    return (SYNC,) if kinds or stale else ()


def next_steps(
    facts: TrackingFacts | None, trees: Sequence[str], *, copies_edits: bool, bindings: str
) -> tuple[str, ...]:
    """Return the commands that make sense now; alternatives stand beside each other.

    `trees` are the steps for the packages' trees. `copies_edits` tells whether a sync would bring edits into them.
    """
    if facts is None:
        return (APPLY,)
    steps = tracking_steps(facts)
    if steps == (NEW_PATCH,) and copies_edits and not facts.mismatch:
        build = (f"{SYNC} (to build with the edits)",)
        return (*(build if tuple(trees) in ((), (SYNC,)) else trees), *steps)
    return steps or tuple(trees) or ((REGENERATE,) if bindings else ())
