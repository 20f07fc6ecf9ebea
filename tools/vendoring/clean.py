"""Remove what vendoring made, without losing what a maintainer did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.git.repository import Git
from tools.paths import Checkout
from tools.util.files import explained, locked, remove_tree
from tools.vendoring.backups import BACKUPS, at_risk, backups, new_backup_folder, save_backup, save_copies
from tools.vendoring.journal import current_operation
from tools.vendoring.source.fetch import BASE
from tools.vendoring.source.filters import Section, load_filter
from tools.vendoring.source.manifest import MANIFEST, NEXT, differences, present, read_manifest


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What was removed, and where a copy of what is nowhere else lies."""

    removed: tuple[Path, ...]
    saved: tuple[Path, ...]


def clean(checkout: Checkout, *, tracking: bool = False, discard: bool = False) -> Cleaned:
    """Remove the synced trees and, with `tracking`, the tracking repository; the next build makes them again.

    Edits, and commits that no patch file holds, stop it, unless `discard`, which saves them outside the checkout.
    """
    with locked(checkout.lock_file), explained("removing what vendoring made"):
        sections = [s for s in load_filter(checkout.filter_file) if (checkout.root / s.into).exists()]
        edited = [path for section in sections for path in _edited(checkout, section)]
        git = Git.at(checkout.tracking)
        risky = _risky(checkout, git) if tracking and git.exists else ()
        if (edited or risky) and not discard:
            raise ToolError(
                "This would lose:\n  " + "\n  ".join([*map(str, edited), *risky]),
                fix="To keep it: inv vendor.status says how.\n"
                "To discard it (a copy is saved): the same command with --discard",
            )
        saved = [save_copies(checkout, edited)] if edited else []
        saved += [_bundle(git)] if risky else []
        removed = [checkout.root / section.into for section in sections]
        removed += [checkout.tracking] if tracking and checkout.tracking.exists() else []
        for folder in removed:
            _remove(checkout, folder, sections)
        return Cleaned(removed=tuple(removed), saved=tuple(saved))


def _edited(checkout: Checkout, section: Section) -> list[Path]:
    into = checkout.root / section.into
    manifest = read_manifest(into)
    if manifest is None:
        return [into / path for path in sorted(present(into) - set(section.own))]
    found = differences(into, manifest, section.own)
    return [into / problem.path for problem in found if problem.kind in {"edited", "unlisted"}]


def _risky(checkout: Checkout, git: Git) -> tuple[str, ...]:
    operation = current_operation(git)
    kept, stashed = backups(git), git.ask("stash", "list", "--format=%gd %s").splitlines()
    without = ("--no-merged", BASE) if git.id_of(BASE) else ()
    branches = git.ask("for-each-ref", "--format=%(refname:short)", *without, "refs/heads/").split()
    others = [name for name in branches if name != "llamapack"]
    return (
        *at_risk(checkout, git).lines,
        *([f"a {operation.kind} under way"] if operation else []),
        *([f"branches: {', '.join(others)}"] if others else []),
        *([f"stashes: {', '.join(stashed)}"] if stashed else []),
        *([f"backups: {', '.join(kept)}"] if kept else []),
    )


def _bundle(git: Git) -> Path:
    """Save every ref and the working tree in one file that git can fetch from."""
    save_backup(git, "before: clean")
    for number, commit in enumerate(git.ask("stash", "list", "--format=%H").split()):
        git.run("update-ref", f"{BACKUPS}stash-{number}", commit)  # refs/stash names the last one only
    path = new_backup_folder() / "llama.cpp.bundle"
    base = (f"^{BASE}",) if git.id_of(BASE) else ()
    git.run("bundle", "create", path, "--all", *base)
    return path


def _remove(checkout: Checkout, folder: Path, sections: list[Section]) -> None:
    own = {checkout.root / section.into / name for section in sections for name in section.own}
    kept = [path for path in own if path.exists() and path.is_relative_to(folder)]
    if not kept:
        remove_tree(folder)
        return
    for path in present(folder):
        if folder / path not in kept:
            (folder / path).unlink()
    for name in (MANIFEST, NEXT):
        (folder / name).unlink(missing_ok=True)
