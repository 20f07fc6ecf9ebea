"""Write the commits of the tracking repository as the patch series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, shorten
from tools.git.conflict_markers import HEADER, marked_by, marked_files
from tools.git.format_patch import export_commits
from tools.git.patch import HEADERS, PLACEHOLDER, Patch, read_patches
from tools.git.repository import Commits, Git
from tools.git.snapshot import changed_blobs, index_tree, take_snapshot
from tools.git.worktree_state import State
from tools.paths import Checkout
from tools.util.atomic_files import sweep, write_file
from tools.vendoring.backups import save_backup, save_copies
from tools.vendoring.command import command
from tools.vendoring.journal import known_series, note_known, remember_series
from tools.vendoring.origin import refuse_unfinished
from tools.vendoring.source.pin import load_pin
from tools.vendoring.source.tracking import BRANCH, our_branch, tracking_repository, way_to_ours


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of the folder."""

    series: tuple[str, ...]
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    incomplete: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Patches whose message lacks a header, with its names; `vendor.check` refuses them."""
    saved: Path | None = None

    @property
    def is_same(self) -> bool:
        """Whether not a byte of the folder changed."""
        return not (self.added or self.changed or self.renamed or self.removed)


def create_patches(checkout: Checkout, *, discard: bool = False) -> Written:
    """Make patches/ hold exactly the commits between the pin and our branch, each as one file.

    The same commits give the same bytes. A patch file that was never applied here stops it, unless `discard`, which
    saves a copy of that file outside the checkout.
    """
    with command(checkout, f"writing {checkout.patches}"):
        git = tracking_repository(checkout)
        commits = _writable_commits(checkout, git)
        sweep(checkout.patches)
        series = export_commits(git, commits)
        _refuse_markers(series)
        saved = _keep_unknown(checkout, git, series, discard=discard)
        return _write(checkout, git, series, saved)


def new_patch(checkout: Checkout, name: str, *, why: str = "", upstream: str = "", drop_when: str = "") -> str:
    """Commit every edit in the tracking repository as one new patch called `name`; return the commit's id.

    The edits are those of the working tree; what was staged and is otherwise there now is kept under a backup ref.
    Its author is the one that the user's git names. Headers that are not given are left to be written. What is
    refused leaves index and working tree as they were.
    """
    with command(checkout, f"committing in {checkout.tracking}"):
        git = tracking_repository(checkout)
        state = _require_ours(git)
        if not name.strip() or not state.dirty:
            what = f"Nothing is edited in {git.folder}." if name.strip() else "A patch needs a name."
            raise ToolError(what, fix="Make the change there first." if name.strip() else "Say what it does.")
        author, tree = _author(git), take_snapshot(git).tree
        if tree == git.require_id("HEAD^{tree}"):
            raise ToolError(
                f"Nothing is edited in {git.folder}: only its index is not as committed.",
                why="A patch is made from the files.",
                fix="To forget what is staged: git reset there. Or write into the files what the patch is to have.",
            )
        if marked := marked_files(git, "HEAD^{tree}", tree):
            raise ToolError(
                f"Conflict markers are in {', '.join(marked)} of {git.folder}.",
                fix="Resolve them; then run it again. If they belong to the file, commit it there with this line in "
                f"the message: {HEADER}: {marked[0]}",
            )
        texts = zip(HEADERS, (why, upstream, drop_when), strict=True)
        message = f"{name.strip()}\n\n" + "\n".join(f"{header}: {text or PLACEHOLDER}" for header, text in texts)
        named = git.with_variables(GIT_AUTHOR_NAME=author[0], GIT_AUTHOR_EMAIL=author[1])
        _keep_staged(git, tree)
        commit = named.run("commit-tree", tree, "-p", state.head, "-F", "-", stdin=f"{message}\n").stdout.strip()
        git.run("update-ref", "-m", f"commit: {name.strip()}", "HEAD", commit, state.head)
        git.run("reset", "--quiet")
        return commit


def _keep_staged(git: Git, tree: str) -> None:
    """Save the index if it holds content that neither HEAD nor `tree`, the working tree, has in that file."""
    staged = index_tree(git)
    added = {path for path, (_, now) in changed_blobs(git, "HEAD^{tree}", staged).items() if now}
    if added & set(changed_blobs(git, staged, tree)):
        save_backup(git, "before: a new patch")


def _author(git: Git) -> tuple[str, str]:
    found = [git.network("config", name, timeout=10).stdout.strip() for name in ("user.name", "user.email")]
    if not all(found):
        raise ToolError(
            "git does not know who you are, and a patch has an author.",
            fix='Run: git config --global user.name "Your Name"; git config --global user.email you@example.org',
        )
    return found[0], found[1]


def _require_ours(git: Git) -> State:
    """Return the state of the repository; ToolError unless our branch is checked out, with nothing unfinished."""
    state = refuse_unfinished(git)
    if state.branch != BRANCH:
        raise ToolError(
            f"HEAD of {git.folder} is on {state.branch or 'no branch'}, and the series is made from {BRANCH}.",
            fix=way_to_ours(git),
        )
    return state


def _writable_commits(checkout: Checkout, git: Git) -> Commits:
    """Return the commits to write; ToolError if they are not all of the work there, or not on the pinned commit."""
    state = _require_ours(git)
    if state.dirty:
        kinds = ("conflicted", "staged", "unstaged", "untracked")
        found = [f"{kind}: {shorten(getattr(state, kind))}" for kind in kinds if getattr(state, kind)]
        raise ToolError(
            f"{git.folder} has edits that are in no commit:\n  " + "\n  ".join(found),
            why="A series is made from commits.",
            fix='Commit them there, or: inv vendor.new-patch "What it does"   (git stash puts them aside)',
        )
    pin, ours = load_pin(checkout.pin_file), our_branch(git)
    base = ours.base
    if base != pin.commit:
        raise ToolError(
            f"{git.folder} stands on {base[:9] or 'no noted commit'}, and vendor/llama.cpp.toml pins {pin.commit[:9]}.",
            fix="Run: inv vendor.apply-patches   (or inv vendor.bump REF)",
        )
    if not ours.stands:
        raise ToolError(
            f"{BRANCH} in {git.folder} does not stand on the pinned {base[:9]}.",
            why="It was rebased onto another commit of upstream.",
            fix=f"Put it back (git rebase --onto {base[:9]} …), or move the pin too: inv vendor.bump REF",
        )
    return ours.commits


def _refuse_markers(series: tuple[Patch, ...]) -> None:
    for patch in series:
        if marked := marked_by(patch):
            raise ToolError(
                f"{patch.name} would add conflict markers to {', '.join(marked)}.",
                fix="Resolve them in that commit: git commit --amend (or git rebase -i). If they belong to the file, "
                f"add this line to its message: {HEADER}: {marked[0]}",
            )


def _keep_unknown(checkout: Checkout, git: Git, series: tuple[Patch, ...], *, discard: bool) -> Path | None:
    """Refuse to remove or replace a patch file that no commit here was ever made from or written to."""
    known = known_series(git) | {patch.sha256 for patch in series}
    unknown = [patch.name for patch in read_patches(checkout.patches) if patch.sha256 not in known]
    if unknown and not discard:
        raise ToolError(
            f"Never applied in {git.folder}: {', '.join(unknown)}.",
            why="patches/ becomes exactly the commits that are there, so it would be lost.",
            fix=f"To keep it: git branch mine {BRANCH} there, inv vendor.apply-patches, git cherry-pick COMMIT there "
            "for each commit of yours that is no patch yet, and this command again.\n"
            "To discard it (a copy is saved): inv vendor.create-patches --discard",
        )
    return save_copies(checkout, [checkout.patches / name for name in unknown]) if unknown else None


def _write(checkout: Checkout, git: Git, series: tuple[Patch, ...], saved: Path | None) -> Written:
    before = {patch.name: patch for patch in read_patches(checkout.patches)}
    after = {patch.name: patch for patch in series}
    renamed = _renames(before, after)
    note_known(git, series)
    for patch in series:
        if patch.name not in before or before[patch.name].content != patch.content:
            write_file(checkout.patches / patch.name, patch.content)
    gone = [name for name in before if name not in after]
    for name in gone:
        (checkout.patches / name).unlink()
    remember_series(git, series)
    return Written(
        series=tuple(after),
        added=tuple(name for name in after if name not in before and name not in renamed.values()),
        changed=tuple(name for name in after if name in before and before[name].content != after[name].content),
        renamed=tuple(renamed.items()),
        removed=tuple(name for name in gone if name not in renamed),
        incomplete=tuple((patch.name, missing) for patch in series if (missing := patch.missing_headers)),
        saved=saved,
    )


def _renames(before: dict[str, Patch], after: dict[str, Patch]) -> dict[str, str]:
    """Return which file lives on under which new name: one with its subject or with its change."""
    new = [name for name in after if name not in before]
    found: dict[str, str] = {}
    for name in before:
        if name not in after:
            same = [n for n in new if n not in found.values() and _is_same(before[name], after[n])]
            found |= {name: same[0]} if same else {}
    return found


def _is_same(first: Patch, second: Patch) -> bool:
    return first.name[5:] == second.name[5:] or first.change == second.change
