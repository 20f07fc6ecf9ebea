"""Remove what vendoring made, without losing what a maintainer did."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, shorten
from tools.git.repository import Git
from tools.paths import Checkout
from tools.util.files import remove_tree, sweep_staged
from tools.vendoring.backups import BACKUPS, at_risk, backups, new_backup_folder, pinned_bases, save_copies
from tools.vendoring.command import command
from tools.vendoring.journal import current_operation
from tools.vendoring.source.filters import Section, load_filter
from tools.vendoring.source.manifest import MANIFEST, NEXT, differences, present, readable_manifest
from tools.vendoring.source.tracking import BASE, OURS

log = logging.getLogger(f"llamapack.{__name__}")


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What was removed, and where that lies which is nowhere else."""

    removed: tuple[Path, ...]
    saved: tuple[Path, ...]


def clean(checkout: Checkout, *, tracking: bool = False, discard: bool = False) -> Cleaned:
    """Remove the synced trees and, with `tracking`, the tracking repository; the next build makes them again.

    Edits, and commits that no patch file holds, stop it, unless `discard`: then edited files are copied, and the
    repository is moved as it is, to a folder outside the checkout.
    """
    with command(checkout, "removing what vendoring made"):
        sections = [s for s in load_filter(checkout.filter_file) if (checkout.root / s.into).exists()]
        edited = [path for section in sections for path in _edited(checkout, section)]
        for folder in (*(checkout.root / section.into for section in sections), *([checkout.tracking] * tracking)):
            _refuse_link(folder)
        git = Git.at(checkout.tracking)
        risky = _risky(checkout, git) if tracking and checkout.tracking.exists() else ()
        if (edited or risky) and not discard:
            raise ToolError(
                "This would lose:\n  " + "\n  ".join([*map(str, edited), *risky]),
                fix="To keep it: inv vendor.status says how.\n"
                "To discard it (a copy is saved): the same command with --discard",
            )
        saved = [save_copies(checkout, edited)] if edited else []
        removed = [checkout.root / section.into for section in sections]
        for folder in removed:
            _remove(checkout, folder, sections)
        sweep_staged(checkout.tracking)
        if tracking and checkout.tracking.exists():
            removed.append(checkout.tracking)
            saved += [_put_away(checkout.tracking)] if risky else []
            remove_tree(checkout.tracking)
        return Cleaned(removed=tuple(removed), saved=tuple(saved))


def _edited(checkout: Checkout, section: Section) -> list[Path]:
    into = checkout.root / section.into
    manifest = readable_manifest(into)
    if manifest is None:
        return [into / path for path in sorted(present(into) - set(section.own))]
    found = differences(into, manifest, section.own)
    return [into / problem.path for problem in found if problem.kind in {"edited", "unlisted"}]


def _risky(checkout: Checkout, git: Git) -> tuple[str, ...]:
    """Return what only the folder of the tracking repository has, one kind a line."""
    if not git.exists:
        return (f"files, and no git repository: {checkout.tracking}",) if any(checkout.tracking.iterdir()) else ()
    _refuse_worktrees(git)
    operation, kept = current_operation(git), backups(git)
    stashed = git.ask("stash", "list", "--format=%gd %s").splitlines()
    ignored = git.names("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    found = (
        ("under way", (operation.kind,) if operation else ()),
        ("branches and tags", _other_refs(checkout, git)),
        ("stashes", stashed),
        ("backups", kept),
        ("ignored by git", ignored),
    )
    return (*at_risk(checkout, git).lines, *(f"{kind}: {shorten(names)}" for kind, names in found if names))


def _other_refs(checkout: Checkout, git: Git) -> tuple[str, ...]:
    """Return the refs with commits that are neither upstream's nor in another repository, ours and backups aside."""
    upstream = pinned_bases(checkout, git)
    without = [f"--no-merged={commit}" for commit in upstream]
    names = git.ask("for-each-ref", "--format=%(refname)", *without).splitlines()
    elsewhere = [f"refs/remotes/{remote}/" for remote in _other_repositories(git)]
    apart = (OURS, BASE, "refs/stash")
    others = [name for name in names if name not in apart and not name.startswith((*elsewhere, BACKUPS))]
    kept = [f"--glob={prefix}*" for prefix in elsewhere]
    return tuple(name for name in others if git.ask("rev-list", "-1", name, "--not", *kept, *upstream))


def _other_repositories(git: Git) -> list[str]:
    """Return the remotes that keep their branches when this repository is removed.

    These are addresses in a network, and folders with a repository that is not this one: the branches of a remote that
    was moved or removed are nowhere but here, and so are those of a clone that was put in the place of its origin.
    """
    lines = git.attempt("config", "--local", "--get-regexp", r"^remote\..*\.url$").stdout.splitlines()
    found = [line.partition(" ") for line in lines]
    return [key[len("remote.") : -len(".url")] for key, _, url in found if _is_elsewhere(git, url)]


def _is_elsewhere(git: Git, url: str) -> bool:
    path = url.removeprefix("file://")
    if "://" in path or ":" in path.split("/")[0][2:]:  # a drive's letter is no host
        return True
    found = Git.at(git.folder / path)
    folder = found.dir if found.exists else found.folder
    return (folder / "objects").is_dir() and folder.resolve() not in {git.dir.resolve(), git.common_dir.resolve()}


def _refuse_link(folder: Path) -> None:
    if folder.is_symlink():
        raise ToolError(
            f"{folder} is a symbolic link to {folder.resolve()}.",
            why="What it leads to may belong to something else, so it is not removed.",
            fix=f"Remove the link yourself: rm {folder}",
        )


def _refuse_worktrees(git: Git) -> None:
    """Raise ToolError if the repository shares its objects with other working trees."""
    if git.dir.parent != git.folder:
        raise ToolError(
            f"{git.folder} belongs to the repository {git.common_dir}, which is kept elsewhere.",
            fix="Remove it there: git worktree remove, for a working tree of another repository.",
        )
    lines = git.run("worktree", "list", "--porcelain").stdout.splitlines()
    folders = [Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree ")]
    if others := [str(path) for path in folders if path.exists() and path.resolve() != git.folder.resolve()]:
        raise ToolError(
            f"{git.folder} has other working trees: {shorten(others)}.",
            why="They would be left without their repository.",
            fix="Remove them first: git worktree remove FOLDER",
        )


def _put_away(folder: Path) -> Path:
    """Move the repository, with all that is in it, out of the checkout; log and return where it is."""
    target = new_backup_folder() / folder.name
    shutil.move(folder, target)
    log.warning("The repository is kept as it was in %s", target)
    return target


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
