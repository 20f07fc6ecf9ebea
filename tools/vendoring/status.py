"""Say where vendoring stands, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.bindgen.freshness import MEND, stale_bindings
from tools.errors import ToolError
from tools.git.format_patch import commits_since
from tools.git.patch import read_patches, read_series
from tools.git.repository import Git
from tools.paths import Checkout
from tools.vendoring.backups import AtRisk, Commit, at_risk, backups, commits_of
from tools.vendoring.freshness import edited_files, stale_reasons
from tools.vendoring.journal import Operation, current_operation
from tools.vendoring.mismatch import Mismatch, find_mismatch
from tools.vendoring.source.fetch import BASE, BRANCH
from tools.vendoring.source.filters import load_filter
from tools.vendoring.source.pin import Pin, load_pin


@dataclass(frozen=True, kw_only=True)
class TreeStatus:
    """A package's synced tree."""

    into: Path
    stale: tuple[str, ...]
    edited: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TrackingStatus:
    """The tracking repository."""

    base: str
    branch: str
    """The branch that HEAD is on; empty where it is on none."""
    commits: tuple[Commit, ...]
    """The commits on the base, on our branch."""
    operation: Operation | None
    mismatch: Mismatch | None
    """What pin and patches/ have and this repository does not."""
    risk: AtRisk
    backups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Status:
    """Everything that a maintainer wants to know before the next command."""

    pin: Pin
    series: tuple[str, ...]
    problem: str
    """Why the files of patches/ are no series; empty where they are one."""
    tracking: TrackingStatus | None
    trees: tuple[TreeStatus, ...]
    bindings: str
    """Why the bindings are stale; empty where they are not."""
    next: tuple[str, ...]
    """The commands that make sense now."""


def read_status(checkout: Checkout) -> Status:
    """Look at pin, series, tracking repository and synced trees; nothing is changed."""
    pin = load_pin(checkout.pin_file)
    git = Git.at(checkout.tracking)
    tracking = _tracking(checkout, git, pin) if git.exists else None
    trees = tuple(
        TreeStatus(
            into=checkout.root / section.into,
            stale=stale_reasons(checkout, section),
            edited=edited_files(checkout, section),
        )
        for section in load_filter(checkout.filter_file)
    )
    series = tuple(patch.name for patch in read_patches(checkout.patches))
    problem = _series_problem(checkout)
    bindings = stale_bindings(checkout)
    following = ("inv vendor.create-patches",) if problem else _next(tracking, trees, series, bindings)
    return Status(
        pin=pin, series=series, problem=problem, tracking=tracking, trees=trees, bindings=bindings, next=following
    )


def _series_problem(checkout: Checkout) -> str:
    try:
        read_series(checkout.patches)
    except ToolError as error:
        return error.what
    return ""


def _tracking(checkout: Checkout, git: Git, pin: Pin) -> TrackingStatus:
    base = git.id_of(BASE)
    ours = git.id_of(f"refs/heads/{BRANCH}")
    return TrackingStatus(
        base=base,
        branch=git.run("symbolic-ref", "--quiet", "--short", "HEAD", check=False).stdout.strip(),
        commits=commits_of(git, commits_since(git, base, ours)) if base and ours else (),
        operation=current_operation(git),
        mismatch=find_mismatch(checkout, git, pin),
        risk=at_risk(checkout, git),
        backups=backups(git),
    )


def _next(
    tracking: TrackingStatus | None, trees: tuple[TreeStatus, ...], series: tuple[str, ...], bindings: str
) -> tuple[str, ...]:
    if tracking is None:
        return ("inv vendor.apply-patches",)
    if tracking.operation:
        return ("inv vendor.continue", "inv vendor.abort")
    if tracking.risk.state.operation:
        return (f"git {tracking.risk.state.operation} --continue (or --abort), in the tracking repository",)
    if tracking.risk.state.dirty:
        return ("inv vendor.sync (to build with the edits)", 'inv vendor.new-patch "What it does" (to keep them)')
    if tracking.mismatch:
        return (tracking.mismatch.mend,)
    if tracking.risk.commits or len(tracking.commits) != len(series):
        return ("inv vendor.create-patches",)
    if any(tree.edited for tree in trees):
        return ("inv vendor.sync --discard (undoes edits in synced trees; a copy is saved)",)
    if any(tree.stale for tree in trees):
        return ("inv vendor.sync",)
    return (MEND,) if bindings else ()
