"""Say where vendoring stands, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.bindgen.freshness import stale_bindings
from tools.errors import ToolError
from tools.git.format_patch import committed_patches
from tools.git.patch import read_patches, read_series
from tools.git.repository import Git, require_git
from tools.git.snapshot import tree_now
from tools.git.worktree_state import State
from tools.paths import Checkout
from tools.util.files import reporting_os_errors
from tools.vendoring.advice import TrackingFacts, next_steps, tree_steps
from tools.vendoring.backups import AtRisk, Commit, at_risk, backups, commits_of
from tools.vendoring.freshness import missing_patches, stale_reasons, tree_problems
from tools.vendoring.journal import Operation, current_operation
from tools.vendoring.mismatch import CREATE, Mismatch, find_mismatch
from tools.vendoring.source.filters import Section, load_filter
from tools.vendoring.source.manifest import Problem, present, read_manifest
from tools.vendoring.source.pin import Pin, load_pin
from tools.vendoring.source.tracking import BRANCH, our_branch


@dataclass(frozen=True, kw_only=True)
class TreeStatus:
    """A package's synced tree."""

    into: Path
    stale: tuple[str, ...]
    problems: tuple[Problem, ...]
    """Files that are not as they were copied."""
    local: bool
    """Whether it was copied from a tree of the developer's own."""
    unknown: bool
    """Whether it has files and no manifest."""
    without: tuple[str, ...]
    """The patches that it does not have as patches/ has them."""


@dataclass(frozen=True, kw_only=True)
class TrackingStatus:
    """The tracking repository."""

    base: str
    branch: str
    """The branch that HEAD is on; empty if it is on none."""
    has_ours: bool
    """Whether there is our branch."""
    commits: tuple[Commit, ...]
    """The commits on the base, on our branch."""
    operation: Operation | None
    mismatch: Mismatch | None
    """What pin and patches/ have and this repository does not."""
    risk: AtRisk
    tree: str
    """The tree that a sync would copy; empty if it would copy none."""
    staged_only: bool
    """Whether that is HEAD's, and only the index is not."""
    backups: tuple[str, ...]
    is_series: bool
    """Whether its commits are the files of patches/."""

    @property
    def facts(self) -> TrackingFacts:
        """What counts for the next step."""
        return TrackingFacts(
            state=self.risk.state,
            operation=self.operation,
            staged_only=self.staged_only,
            branch=self.branch,
            has_ours=self.has_ours,
            mismatch=self.mismatch,
            unexported=bool(self.risk.commits),
            only_head=self.risk.only_head,
            is_series=self.is_series,
        )


@dataclass(frozen=True, kw_only=True)
class Status:
    """Everything that a maintainer wants to know before the next command."""

    pin: Pin
    series: tuple[str, ...]
    problem: str
    """Why the files of patches/ are no series; empty if they are one."""
    tracking: TrackingStatus | None
    trees: tuple[TreeStatus, ...]
    bindings: str
    """Why the bindings are stale; empty if they are not."""
    next: tuple[str, ...]
    """The commands that make sense now."""


def read_status(checkout: Checkout) -> Status:
    """Look at pin, series, tracking repository and synced trees; nothing is changed."""
    with reporting_os_errors(f"looking at {checkout.root}"):
        require_git()
        pin = load_pin(checkout.pin_file)
        git = Git.at(checkout.tracking)
        tracking = _tracking(checkout, git, pin) if git.exists else None
        copied = tracking.tree if tracking else ""
        trees = tuple(_tree(checkout, section, copied) for section in load_filter(checkout.filter_file))
        problem, bindings = _series_problem(checkout), stale_bindings(checkout)
        return Status(
            pin=pin,
            series=tuple(patch.name for patch in read_patches(checkout.patches)),
            problem=problem,
            tracking=tracking,
            trees=trees,
            bindings=bindings,
            next=(CREATE,) if problem else _next(tracking, trees, bindings),
        )


def _tree(checkout: Checkout, section: Section, copied: str) -> TreeStatus:
    into = checkout.root / section.into
    manifest, stale = read_manifest(into), stale_reasons(checkout, section)
    if manifest and not stale and manifest.source == "tracking" and copied and manifest.source_tree != copied:
        stale = ("the tracking repository has changed since",)
    return TreeStatus(
        into=into,
        stale=stale,
        problems=tree_problems(checkout, section),
        local=bool(manifest and manifest.source == "local"),
        unknown=manifest is None and bool(present(into) - set(section.own)),
        without=missing_patches(checkout, manifest) if manifest else (),
    )


def _copied_now(git: Git, state: State) -> str:
    """Return the tree that a sync would copy; empty if it would copy none."""
    if state.operation or state.conflicted or state.branch != BRANCH:
        return ""
    return tree_now(git, state.dirty)


def _series_problem(checkout: Checkout) -> str:
    try:
        read_series(checkout.patches)
    except ToolError as error:
        return error.what
    return ""


def _tracking(checkout: Checkout, git: Git, pin: Pin) -> TrackingStatus:
    ours, risk = our_branch(git), at_risk(checkout, git)
    written = list(committed_patches(git, ours.commits).values()) if ours.stands else []
    given = [patch.sha256 for patch in read_patches(checkout.patches)]
    tree = _copied_now(git, risk.state)
    return TrackingStatus(
        base=ours.base,
        branch=risk.state.branch,
        has_ours=bool(ours.ours),
        commits=commits_of(git, list(ours.commits)),
        operation=current_operation(git),
        mismatch=find_mismatch(checkout, git, pin, ours),
        risk=risk,
        tree=tree,
        staged_only=bool(tree and risk.state.dirty) and tree == git.id_of("HEAD^{tree}"),
        backups=backups(git),
        is_series=written == given and len(written) == len(ours.commits),
    )


def _next(tracking: TrackingStatus | None, trees: tuple[TreeStatus, ...], bindings: str) -> tuple[str, ...]:
    steps = tree_steps(
        (problem for tree in trees for problem in tree.problems),
        stale=any(tree.stale for tree in trees),
        local=any(tree.local for tree in trees),
        unknown=any(tree.unknown for tree in trees),
    )
    changed = any(tree.stale for tree in trees)
    return next_steps(tracking.facts if tracking else None, steps, copies_edits=changed, bindings=bindings)
