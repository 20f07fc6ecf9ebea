"""What builds need to know of vendoring: put the source in place, or say how to fix it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, shorten
from tools.git.patch import read_series
from tools.git.repository import Git
from tools.git.snapshot import tree_now
from tools.git.worktree_state import read_state
from tools.paths import ROOT, Checkout
from tools.util.files import staged_folder
from tools.vendoring.apply import apply_to_fresh
from tools.vendoring.command import command
from tools.vendoring.freshness import missing_patches, shared_changed, stale_reasons, tree_problems
from tools.vendoring.source.fetch import Origin, make_repository, refuse_foreign
from tools.vendoring.source.filters import Section, load_filter
from tools.vendoring.source.manifest import Manifest, read_manifest
from tools.vendoring.source.pin import load_pin
from tools.vendoring.source.tracking import BRANCH
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync_unlocked

log = logging.getLogger(f"llamapack.{__name__}")


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """The source that packages build from."""

    commit: str
    tree: str
    ggml_tree: str
    tracking: Path
    synced: tuple[Path, ...]
    origin: Origin
    """`here` where the tracking repository was there already."""
    made: bool
    """Whether this call made any of it."""
    local: bool
    """Whether it is a developer's own tree and not the pinned one."""


def ensure_source(root: Path = ROOT) -> SourceState:
    """Create the tracking repository and every synced tree that does not exist yet.

    Nothing that exists is changed but copies of files of ours that this checkout has in a newer state: a stale or
    hand-edited tree is a ToolError that names the command to fix it.
    """
    checkout = Checkout(root=root)
    with command(checkout, "putting llama.cpp's source in place"):
        sections = load_filter(checkout.filter_file)
        origin = make_tracking(checkout)
        missing = [section for section in sections if not _has_files(root / section.into)]
        now = _tree_now(checkout) if len(missing) < len(sections) else ""
        for section in sections:
            if section not in missing:
                _require_current(checkout, section, now)
        # Nothing of anybody's is lost: the copies are as they were made, and what they are copied from is committed.
        missing += [s for s in sections if s not in missing and shared_changed(checkout, s)]
        if missing:
            log.info("Copying llama.cpp's source into the packages")
            sync_unlocked(checkout, only=[section.name for section in missing])
        return _state(checkout, sections, origin, made=bool(missing) or origin != "here")


def make_tracking(checkout: Checkout) -> Origin:
    """Make the tracking repository with the whole series applied, unless there is one; for a caller with the lock."""
    git = Git.at(checkout.tracking)
    if git.exists:
        return "here"
    refuse_foreign(checkout.tracking)
    pin, series = load_pin(checkout.pin_file), read_series(checkout.patches)
    with staged_folder(checkout.tracking) as folder:
        fetched = make_repository(folder, pin)
        apply_to_fresh(Git.at(folder), series)
    return fetched.origin


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _tree_now(checkout: Checkout) -> str:
    """Return the tree of the tracking repository, edits included; empty on a branch other than ours.

    The maintainer is at something else there, and what was copied stays good.
    """
    git = Git.at(checkout.tracking)
    state = read_state(git)
    return tree_now(git, state.dirty) if state.branch == BRANCH else ""


def _require_current(checkout: Checkout, section: Section, now: str) -> None:
    into = checkout.root / section.into
    if reasons := stale_reasons(checkout, section):
        raise ToolError(
            f"{into} is stale: {'; '.join(reasons)}.",
            why="Builds use what is there; nothing changes it behind your back.",
            fix=_next(checkout),
        )
    if problems := tree_problems(checkout, section):
        found = [f"{problem.path} ({problem.kind})" for problem in problems]
        raise ToolError(
            f"{into} is not as it was copied: {shorten(found)}.",
            why="Edits belong in the tracking repository; here the next sync would meet them.",
            fix=f"To keep an edit, make it in {checkout.tracking}. {_next(checkout)}",
        )
    _require_same_as_tracking(checkout, into, now)


def _require_same_as_tracking(checkout: Checkout, into: Path, now: str) -> None:
    """Refuse a tree that was copied before the tracking repository was edited; say what one is that is not the pin's.

    `now` is the tree of the tracking repository, if it is on our branch.
    """
    manifest = read_manifest(into)
    if manifest is None:
        return
    if manifest.source == "local":
        log.warning("%s is a tree of your own, not the pinned llama.cpp. Back to that: inv vendor.sync", into)
        return
    if now and now != manifest.source_tree:
        raise ToolError(
            f"{checkout.tracking} was changed after it was copied to {into}.",
            why="A build would not contain the change.",
            fix=_next(checkout),
        )
    if missing := missing_patches(checkout, manifest):
        log.warning("%s is without these patches as patches/ has them: %s", into, shorten(missing))


def _next(checkout: Checkout) -> str:
    return f"Next: {'; or '.join(read_status(checkout).next)}"


def _state(checkout: Checkout, sections: tuple[Section, ...], origin: Origin, *, made: bool) -> SourceState:
    manifests: list[Manifest] = [m for s in sections if (m := read_manifest(checkout.root / s.into))]
    first = manifests[0]
    return SourceState(
        commit=first.commit,
        tree=first.tree,
        ggml_tree=first.ggml_tree,
        tracking=checkout.tracking,
        synced=tuple(checkout.root / section.into for section in sections),
        origin=origin,
        made=made,
        local=any(manifest.source == "local" for manifest in manifests),
    )
