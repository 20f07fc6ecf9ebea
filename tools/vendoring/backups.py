"""See that nothing is lost which only the tracking repository has: find it, refuse to go on, or save it.

`set_head` is the one place that forces HEAD, index or working tree: what it would lose, it saves first and names.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

from tools.errors import ToolError, shorten
from tools.git.format_patch import committed_patches, exported_contents
from tools.git.patch import read_patches
from tools.git.repository import Commits, Git
from tools.git.snapshot import index_tree, take_snapshot
from tools.git.worktree_state import State, close_operation, read_state, remove_files, show_hidden
from tools.paths import Checkout, cache_dir
from tools.vendoring.journal import known_series
from tools.vendoring.source.pin import load_pin
from tools.vendoring.source.tracking import BASE, BRANCH, OURS, our_branch

BACKUPS = "refs/llamapack/backup/"
_OPEN_HEADS = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
_OPEN_FILES = ("rebase-merge/orig-head", "rebase-apply/orig-head", "rebase-merge/autostash", "rebase-apply/autostash")
_MOST_COMPARED = 100

log = logging.getLogger(f"llamapack.{__name__}")


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit of the tracking repository."""

    id: str
    subject: str

    def __str__(self) -> str:
        """Return it as people name commits."""
        return f"{self.id[:9]} {self.subject}"


@dataclass(frozen=True, kw_only=True)
class AtRisk:
    """What a move of HEAD would lose."""

    state: State
    commits: tuple[Commit, ...]
    """Commits that no patch file and no other branch holds."""
    only_head: bool = False
    """Whether our branch does not have all of these, so that going there takes the name of some."""
    overwritten: tuple[str, ...] = ()
    """Ignored files that the new source has files in the place of."""

    @property
    def nothing(self) -> bool:
        """Whether HEAD can be moved."""
        return self.state.is_clean and not self.commits and not self.overwritten

    @property
    def lines(self) -> tuple[str, ...]:
        """What was found, one kind a line."""
        state = self.state
        found = (
            ("unfinished operation", (f"git {state.operation}",) if state.operation else ()),
            ("in conflict", state.conflicted),
            ("staged", state.staged),
            ("unstaged", state.unstaged),
            ("untracked", state.untracked),
            ("ignored by git, and in the way of the new source", self.overwritten),
            ("commits that no patch file holds", tuple(map(str, self.commits))),
        )
        return tuple(f"{kind}: {shorten(names)}" for kind, names in found if names)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where HEAD is to go."""

    commit: str
    branch: str = BRANCH
    """The branch to be on, empty for none. Ours is moved to the commit; another one is where it is."""
    files: tuple[str, ...] = ()
    """Files that are written afterwards, beside those of the commit: by patches."""


def at_risk(checkout: Checkout, git: Git, target: Target | None = None) -> AtRisk:
    """Return what only the tracking repository has, and what a move to `target` would overwrite."""
    commits = unexported(checkout, git)
    return AtRisk(
        state=read_state(git),
        commits=commits,
        only_head=_beside_ours(git, commits),
        overwritten=in_the_way(git, _new_files(git, target)) if target else (),
    )


def unexported(checkout: Checkout, git: Git) -> tuple[Commit, ...]:
    """Return the commits of HEAD and of our branch that no patch file holds, now or in this project's history.

    Those that another branch or a tag holds too are not among them: they stay when HEAD moves.
    """
    left = _left_behind(git, *_known_upstream(checkout))
    held = {patch.sha256 for patch in read_patches(checkout.patches)}
    contents = exported_contents(git, left) if len(left) <= _MOST_COMPARED else {}
    return commits_of(git, [name for name in left if not _is_held(checkout, contents.get(name), held)])


def _beside_ours(git: Git, commits: Sequence[Commit]) -> bool:
    """Tell whether any of `commits` is not on our branch."""
    ours = git.id_of(OURS)
    names = [commit.id for commit in commits]
    return bool(names) and bool(git.ask("rev-list", "-1", *names, *([f"^{ours}"] if ours else [])))


def pinned_bases(checkout: Checkout, git: Git) -> tuple[str, ...]:
    """Return the commits that are known to be upstream's: the base that was noted, and the pinned commit."""
    return _commits(git, *_known_upstream(checkout))


def _known_upstream(checkout: Checkout) -> tuple[str, str]:
    return BASE, load_pin(checkout.pin_file).commit


def _left_behind(git: Git, *kept: str) -> Commits:
    """Return the commits, oldest first, that a move of HEAD and of our branch to elsewhere leaves without a name.

    `kept` name commits that stay, with all that they stand on; those that are not there are passed over.
    """
    roots = _roots(git)
    ids = git.ids_of(*(f"{name}^{{commit}}" for name in (*roots, *kept)))
    left, stay = (tuple(filter(None, part)) for part in (ids[: len(roots)], ids[len(roots) :]))
    others = (f"--exclude={BRANCH}", "--branches", "--tags", "--remotes")
    return git.commits(*left, "--not", *stay, *others) if left else {}


def _roots(git: Git) -> tuple[str, ...]:
    """Return names for the commits of HEAD, of our branch, and of what an open merge, rebase or the like holds."""
    named = [path.read_text(encoding="utf-8").strip() for name in _OPEN_FILES if (path := git.dir / name).is_file()]
    return ("HEAD", OURS, *_OPEN_HEADS, *named)


def _commits(git: Git, *names: str) -> tuple[str, ...]:
    """Return the commits that `names` stand for, each once, without those that are not there."""
    return tuple(dict.fromkeys(filter(None, git.ids_of(*(f"{name}^{{commit}}" for name in names)))))


def commits_of(git: Git, names: Sequence[str]) -> tuple[Commit, ...]:
    """Return commits with their subjects."""
    if not names:
        return ()
    said = git.ask("log", "--no-walk=unsorted", "--format=%H %s", *names).splitlines()
    return tuple(Commit(id=line.partition(" ")[0], subject=line.partition(" ")[2]) for line in said)


def _new_files(git: Git, target: Target) -> set[str]:
    """Return the files that a move to `target` writes and that the index does not have, and those of its patches."""
    listing = ("diff-index", "--cached", "-z", "--name-only", "--no-renames", "--diff-filter=D", target.commit)
    return {*git.names(*listing), *target.files}


def in_the_way(git: Git, names: Iterable[str]) -> tuple[str, ...]:
    """Return the files that git does not track, ignored ones too, and that writing the files `names` overwrites."""
    there = {place for name in names if (place := _place(git.folder, name))}
    if not there:
        return ()
    literal = git.with_variables(GIT_LITERAL_PATHSPECS="1")
    return literal.names("ls-files", "-z", "--others", "--", *sorted(there))


def _place(folder: Path, name: str) -> str:
    """Return what is on disk where the file `name` is to be written: it, or a file where a folder must be."""
    for place in (*reversed(PurePosixPath(name).parents), PurePosixPath(name)):
        if str(place) != "." and os.path.lexists(folder / place):
            path = folder / place
            if str(place) == name or path.is_symlink() or not path.is_dir():
                return str(place)
    return ""


def require_nothing_at_risk(checkout: Checkout, git: Git, target: Target | None, *, discard: bool, doing: str) -> str:
    """Raise ToolError if moving HEAD to `target` would lose something; with `discard`, save it, return the backup ref.

    Afterwards the working tree is HEAD's. Returns an empty string if there was nothing to save. Without a target, the
    new source is not known yet, so that ignored files in its way are not looked for.
    """
    _show_hidden(git)
    found = at_risk(checkout, git, target)
    _refuse_lock(git, found.state)
    _refuse_unborn(git, found.state)
    if found.nothing:
        return ""
    if not discard:
        raise ToolError(
            f"{doing} would lose what is in {git.folder}:\n  " + "\n  ".join(found.lines),
            fix=f"To keep it: {way_to_keep(checkout, git, found)}\n"
            "To discard it (a backup ref is left): the same command with --discard",
        )
    backup = save_backup(git, f"before: {doing}", ignored=found.overwritten)
    _clear(git, found.state, found.overwritten)
    return backup


def set_head(git: Git, target: Target, *, why: str, known: Sequence[str] = ()) -> str:
    """Put HEAD, index and working tree at `target`, whatever is open or edited.

    What would be lost is saved first; the backup ref is logged and returned, an empty string if there was nothing.
    `known` are commits that may lose their names, because patches hold them or they were saved before.
    """
    target = _resolved(git, target)
    _show_hidden(git)
    state, overwritten = read_state(git), in_the_way(git, _new_files(git, target))
    backup = ""
    if state.dirty or overwritten or _left_behind(git, target.commit, *filter(None, known)):
        backup = save_backup(git, why, ignored=overwritten)
    _clear(git, state, overwritten)
    place = {BRANCH: ("-B", BRANCH, target.commit), "": ("--detach", target.commit)}.get(target.branch)
    git.run("checkout", "--quiet", "--force", *(place or (target.branch,)))
    return backup


def _resolved(git: Git, target: Target) -> Target:
    """Return `target` with the commit that its branch is at now; a branch that is gone is none."""
    if target.branch in ("", BRANCH):
        return target
    commit = git.id_of(f"refs/heads/{target.branch}")
    return replace(target, commit=commit) if commit else replace(target, branch="")


def _show_hidden(git: Git) -> None:
    if (git.dir / "index.lock").exists():
        return  # a running git; it is refused
    if hidden := show_hidden(git):
        log.warning("These were marked as unchanged for git, and are no longer: %s", shorten(hidden))


def _clear(git: Git, state: State, overwritten: Sequence[str]) -> None:
    """Close what is open and make the working tree HEAD's; everything was saved before.

    Files that are ignored now stay, also those that HEAD's .gitignore, or the target's, does not name.
    """
    if state.is_clean and not overwritten:
        return
    close_operation(git, state)
    # Before HEAD's files are back: there, a file or a link to elsewhere may take the place of a folder with these.
    remove_files(git, (*state.untracked, *overwritten))
    git.run("reset", "--quiet", "--hard", "HEAD")


def save_backup(git: Git, why: str, *, ignored: Sequence[str] = ()) -> str:
    """Keep HEAD, our branch, what is open, the index and the working tree under a new ref; log and return the ref.

    New files are included, and of the ignored ones those that are named.
    """
    state = read_state(git)
    index, parents = index_tree(git, state.conflicted), [state.head]
    if index != git.require_id("HEAD^{tree}"):
        parents = [_commit(git, index, parents, f"index {why}")]
    parents += [name for name in _commits(git, *_roots(git)) if name != state.head]
    commit = _commit(git, take_snapshot(git, ignored).tree, parents, why)
    ref = f"{BACKUPS}{stamp()}"
    git.run("update-ref", "-m", why, ref, commit)
    log.warning("What was there is kept as %s: git -C %s show %s", ref, git.folder, ref)
    return ref


def _commit(git: Git, tree: str, parents: Sequence[str], message: str) -> str:
    author = git.with_variables(GIT_AUTHOR_NAME="llamapack", GIT_AUTHOR_EMAIL="llamapack@localhost")
    return author.ask("commit-tree", tree, *(arg for parent in parents for arg in ("-p", parent)), "-m", message)


def backups(git: Git) -> tuple[str, ...]:
    """Return the backup refs, oldest first."""
    return tuple(git.ask("for-each-ref", "--format=%(refname)", BACKUPS).split())


def save_copies(checkout: Checkout, paths: Sequence[Path]) -> Path:
    """Copy files of the checkout to a new folder below the cache; log and return it."""
    folder = new_backup_folder()
    for path in paths:
        target = folder / path.relative_to(checkout.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target, follow_symlinks=False)
    log.warning("Copies are saved in %s", folder)
    return folder


def new_backup_folder() -> Path:
    """Make a folder for a backup outside the checkout."""
    folder = cache_dir() / "backups" / stamp()
    folder.mkdir(parents=True)
    return folder


def stamp() -> str:
    """Return the time as a name that sorts: 20261122-190501-123456."""
    return datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-%f")


def _is_held(checkout: Checkout, content: bytes | None, held: set[str]) -> bool:
    if content is None:
        return False
    return hashlib.sha256(content).hexdigest() in held or _was_committed(checkout, content)


def _was_committed(checkout: Checkout, content: bytes) -> bool:
    """Tell whether a commit of this project has, or had, a patch file with `content`."""
    project = Git.at(checkout.root)
    if not project.exists or not project.id_of("HEAD"):
        return False
    text = content.decode("utf-8", "surrogateescape")
    blob = project.run("hash-object", "--stdin", "--no-filters", stdin=text).stdout.strip()
    if not project.id_of(blob):
        return False
    return bool(project.ask("log", "--all", "-1", "--format=%H", f"--find-object={blob}", "--", "patches"))


def way_to_keep(checkout: Checkout, git: Git, found: AtRisk) -> str:
    """Return how to keep what `found` names, in words that end where it is kept."""
    if found.state.operation:
        return f"finish it (git {found.state.operation} --continue or --abort, in {git.folder}), then run this again."
    commit = "commit it there, then " if found.state.dirty else ""
    move = f"move {shorten(found.overwritten)} away; " if found.overwritten else ""
    if not (found.commits or found.state.dirty):
        return f"{move}then run this again."
    branch, on_head = found.state.branch, bool(found.state.dirty) or found.only_head
    if can_create_patches(checkout, git) and (branch == BRANCH or not on_head):
        go = "" if branch == BRANCH else f"git checkout {BRANCH} there, then "
        return f"{move}{commit}{go}inv vendor.create-patches"
    if branch not in ("", BRANCH) and not found.commits:
        return f"{move}{commit}the same command again."
    return (
        f"{move}{commit}git branch mine {'HEAD' if on_head and not branch else BRANCH} there, the same command again, "
        "git cherry-pick COMMIT there for each of these commits, then inv vendor.create-patches"
    )


def can_create_patches(checkout: Checkout, git: Git) -> bool:
    """Tell whether a series can be written from here: on the pinned commit, and over no patch file of somebody else."""
    stands = git.id_of(BASE) == load_pin(checkout.pin_file).commit
    return stands and not foreign_patches(checkout, git)


def _refuse_unborn(git: Git, state: State) -> None:
    if not state.head:
        there = git.ids_of(OURS, BASE)
        place = BRANCH if there[0] else f"--detach {there[1][:9]}"
        raise ToolError(
            f"HEAD of {git.folder} is on a branch without a commit.",
            why="What is there cannot be saved as an edit of anything.",
            fix="Commit it there" + (f", or run there: git checkout --force {place}" if any(there) else "."),
        )


def _refuse_lock(git: Git, state: State) -> None:
    if state.locked:
        raise ToolError(
            f"{git.dir / 'index.lock'} is there: a git command runs in it, or one was killed.",
            fix="Wait for it. If none runs, remove that file; then run this again.",
        )


def foreign_patches(checkout: Checkout, git: Git) -> tuple[str, ...]:
    """Return the files of patches/ that the tracking repository has never had as commits: a colleague's."""
    known = known_series(git)
    unknown = [patch for patch in read_patches(checkout.patches) if patch.sha256 not in known]
    written = set(committed_patches(git, our_branch(git).commits).values()) if unknown else set()
    return tuple(patch.name for patch in unknown if patch.sha256 not in written)
