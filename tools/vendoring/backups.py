"""See that nothing a maintainer did is lost: find it, refuse or save it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from tools.errors import ToolError, some
from tools.git.format_patch import exported_contents
from tools.git.patch import read_patches
from tools.git.repository import Git
from tools.git.snapshot import take_snapshot
from tools.git.worktree_state import State, read_state
from tools.paths import Checkout, cache_dir
from tools.vendoring.source.fetch import BASE, BRANCH
from tools.vendoring.source.pin import load_pin

BACKUPS = "refs/llamapack/backup/"


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

    @property
    def nothing(self) -> bool:
        """Whether HEAD can be moved."""
        return self.state.is_clean and not self.commits

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
            ("commits that no patch file holds", tuple(map(str, self.commits))),
        )
        return tuple(f"{kind}: {some(names)}" for kind, names in found if names)


def at_risk(checkout: Checkout, git: Git) -> AtRisk:
    """Return what only the tracking repository has."""
    return AtRisk(state=read_state(git), commits=unexported(checkout, git))


def unexported(checkout: Checkout, git: Git) -> tuple[Commit, ...]:
    """Return the commits of HEAD and of our branch that no patch file holds, now or in this project's history.

    Those that another branch or a tag holds too are not among them: they stay when HEAD moves.
    """
    roots = [name for name in ("HEAD", f"refs/heads/{BRANCH}") if git.id_of(f"{name}^{{commit}}")]
    base = git.id_of(f"{BASE}^{{commit}}")
    if not roots or not base:
        return ()
    others = (f"--exclude={BRANCH}", "--branches", "--tags", "--remotes")
    ids = git.ask("rev-list", "--reverse", *roots, "--not", base, *others).split()
    held = {patch.sha256 for patch in read_patches(checkout.patches)}
    contents = exported_contents(git, ids)
    return commits_of(git, [name for name in ids if not _is_held(checkout, contents.get(name), held)])


def commits_of(git: Git, names: Sequence[str]) -> tuple[Commit, ...]:
    """Return commits with their subjects."""
    if not names:
        return ()
    said = git.ask("log", "--no-walk=unsorted", "--format=%H %s", *names).splitlines()
    return tuple(Commit(id=line.partition(" ")[0], subject=line.partition(" ")[2]) for line in said)


def require_nothing_at_risk(checkout: Checkout, git: Git, *, discard: bool, doing: str) -> str:
    """Raise ToolError where moving HEAD would lose something; with `discard`, save it and return the backup ref.

    Afterwards the working tree is HEAD's. Nothing to save returns an empty string.
    """
    found = at_risk(checkout, git)
    _refuse_lock(git, found.state)
    _refuse_unborn(git)
    if found.nothing:
        return ""
    if not discard:
        raise ToolError(
            f"{doing} would lose what is in {git.folder}:\n  " + "\n  ".join(found.lines),
            fix=f"To keep it: {_way_to_keep(checkout, git)} (an unfinished operation: finish it).\n"
            "To discard it (a backup ref is left): the same command with --discard",
        )
    backup = save_backup(git, f"before: {doing}")
    clear(git, found.state)
    return backup


def clear(git: Git, state: State) -> None:
    """Close what is open and make the working tree HEAD's; ignored files stay. Save first what is wanted."""
    if state.operation == "bisect":
        (git.dir / "BISECT_LOG").unlink(missing_ok=True)
    elif state.operation:
        git.run(state.operation, "--quit", check=False)
    git.run("reset", "--quiet", "--hard", "HEAD")
    git.run("clean", "--quiet", "--force", "-d")


def save_backup(git: Git, why: str) -> str:
    """Keep HEAD, our branch, the index and the working tree, new files included, under a new ref; return the ref."""
    head = git.id_of("HEAD^{commit}")
    parents = [head]
    index = git.run("write-tree", check=False)  # refused while files are in conflict
    if index.returncode == 0 and index.stdout.strip() != git.id_of("HEAD^{tree}"):
        parents = [_commit(git, index.stdout.strip(), parents, f"index {why}")]
    branch = git.id_of(f"refs/heads/{BRANCH}")
    parents += [branch] if branch and branch != head else []
    commit = _commit(git, take_snapshot(git).tree, parents, why)
    ref = f"{BACKUPS}{stamp()}"
    git.run("update-ref", "-m", why, ref, commit)
    return ref


def _commit(git: Git, tree: str, parents: Sequence[str], message: str) -> str:
    author = git.with_variables(GIT_AUTHOR_NAME="llamapack", GIT_AUTHOR_EMAIL="llamapack@localhost")
    return author.ask("commit-tree", tree, *(word for parent in parents for word in ("-p", parent)), "-m", message)


def backups(git: Git) -> tuple[str, ...]:
    """Return the backup refs, oldest first."""
    return tuple(git.ask("for-each-ref", "--format=%(refname)", BACKUPS).split())


def save_copies(checkout: Checkout, paths: Sequence[Path]) -> Path:
    """Copy files of the checkout to a new folder below the cache, and return it."""
    folder = new_backup_folder()
    for path in paths:
        target = folder / path.relative_to(checkout.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target, follow_symlinks=False)
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
    blob = _blob_id(project, content)
    if project.run("cat-file", "-e", blob, check=False).returncode != 0:
        return False
    words = ("log", "--all", "-1", "--format=%H", f"--find-object={blob}", "--", "patches")
    return bool(project.run(*words, check=False).stdout.strip())


def _blob_id(project: Git, content: bytes) -> str:
    text = content.decode("utf-8", "surrogateescape")
    return project.run("hash-object", "--stdin", "--no-filters", stdin=text).stdout.strip()


def _way_to_keep(checkout: Checkout, git: Git) -> str:
    if git.id_of(BASE) == load_pin(checkout.pin_file).commit:
        return "commit it there, then inv vendor.create-patches"
    # The pin moved meanwhile, so that a series cannot be written from here.
    return f"commit it there, git branch mine {BRANCH}, the same command again, then git cherry-pick from mine"


def _refuse_unborn(git: Git) -> None:
    if not git.id_of("HEAD^{commit}"):
        raise ToolError(
            f"HEAD of {git.folder} is on a branch without a commit.",
            why="What is there cannot be saved as an edit of anything.",
            fix=f"Commit it there, or run there: git checkout --force {BRANCH}",
        )


def _refuse_lock(git: Git, state: State) -> None:
    if state.locked:
        raise ToolError(
            f"{git.dir / 'index.lock'} is there: a git command runs in it, or one was killed.",
            fix="Wait for it. If none runs, remove that file; then run this again.",
        )
