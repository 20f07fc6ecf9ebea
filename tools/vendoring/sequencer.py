"""Take an operation step by step to its end, from wherever a conflict or a kill left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools.errors import ToolError, shorten
from tools.git.am import am, am_continue, expected
from tools.git.conflict_markers import marked_files
from tools.git.format_patch import exported_contents
from tools.git.patch import Patch
from tools.git.repository import Git
from tools.git.snapshot import index_tree, scratch_index
from tools.git.worktree_state import State, close_operation, read_state
from tools.paths import Checkout
from tools.util.atomic_files import sweep, write_file
from tools.vendoring import changelog
from tools.vendoring.backups import Target, in_the_way, set_head
from tools.vendoring.journal import Done, Operation, finish, patch_at_hand, remember_series, save, series_of
from tools.vendoring.source.tracking import BASE, BRANCH, OURS


class ConflictError(ToolError):
    """A patch that waits for the maintainer; the `am` is open."""

    def __init__(self, git: Git, operation: Operation, files: Sequence[str], why: str = "") -> None:
        """Say which patch, which files, and the ways on."""
        self.patch = operation.current
        self.files = tuple(files)
        done, count = len(operation.done), len(operation.names)
        super().__init__(
            f"{self.patch} does not apply: {', '.join(self.files)} ({done} of {count} patches are dealt with).",
            why=why,
            fix=f"Resolve it in {git.folder} and `git add` the files there; then run: inv vendor.continue\n"
            "To leave this patch out: inv vendor.continue --skip\n"
            "To go back to where you were: inv vendor.abort",
        )


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What became of a series."""

    base: str
    head: str
    done: tuple[Done, ...]
    changed: bool = True
    """False if everything was in place before."""
    bumped: bool = False
    backup: str = ""


def run_operation(checkout: Checkout, git: Git, operation: Operation) -> Applied:
    """Go on with `operation` until it is done; a patch that does not apply is a ConflictError."""
    unlock(git)
    backup = ""
    if not operation.before:
        # What came into the repository after the operation began is saved; what was there before it, its start saw to.
        known = (operation.start_head, operation.start_branch)
        backup = set_head(git, Target(commit=operation.base), why="before: applying the patches", known=known)
        git.run("update-ref", BASE, operation.base)
        operation = replace(operation, before=operation.base)
        save(git, operation)
    else:
        _refuse_other_branch(git, git.branch())
    while operation.current:
        operation = _apply_one(git, operation)
        save(git, operation)
    return replace(_finish(checkout, git, operation), backup=backup)


def _apply_one(git: Git, operation: Operation) -> Operation:
    patch, before, state = patch_at_hand(git, operation), operation.before, read_state(git)
    if state.head != before:  # killed between the commit and our note of it
        if git.id_of("HEAD^") != before:
            raise _moved(git, state.head, before)
        _refuse_other_commit(git, state.head, before, patch)
        with scratch_index(git, before) as index:
            return operation.with_done(expected(index, patch), state.head)
    if not state.is_clean:  # killed in the middle of it
        go_back(git, operation, "before: trying a patch again")
    how = expected(git, patch)
    if how == "upstream":
        return operation.with_done(how, before)
    _refuse_overwriting(git, patch)
    done = am(git, patch)
    if done.returncode == 0:
        head = git.require_id("HEAD")
        return operation.with_done("upstream" if head == before else how, head)
    state = read_state(git)
    if state.operation != "am":
        raise ToolError(
            f"git cannot apply {patch.name}.",
            why=(done.stderr or done.stdout).strip(),
            fix="Run: inv vendor.continue   or, to go back to where you were: inv vendor.abort",
        )
    save(git, replace(operation, stopped=True))
    raise ConflictError(
        git, operation, state.conflicted or patch.files, "" if state.conflicted else done.stderr.strip()
    )


def _refuse_other_commit(git: Git, head: str, before: str, patch: Patch) -> None:
    """Raise ToolError if the commit `head` is not of `patch`, so that it was made by hand after a kill."""
    found = exported_contents(git, git.commits(head, f"^{before}")).get(head, b"")
    if Patch(name=patch.name, content=found).message != patch.message:
        raise ToolError(
            f"HEAD of {git.folder} is at {head[:9]}, which was committed by hand; {patch.name} is the next patch.",
            fix=f"To keep that commit: git branch mine there. Then git checkout -B {BRANCH} {before[:9]} there, and "
            "inv vendor.continue\nOr run: inv vendor.abort   (commits of yours stay: a backup ref is left)",
        )


def _refuse_overwriting(git: Git, patch: Patch) -> None:
    if found := in_the_way(git, patch.files):
        raise ToolError(
            f"{patch.name} would overwrite files in {git.folder} that git does not track: {shorten(found)}.",
            why="They came there after the patches were begun.",
            fix="Move them away; then run: inv vendor.continue",
        )


def resolved(git: Git, operation: Operation) -> Operation:
    """Conclude the patch that waited: from what is staged, or from the commit that was made of it by hand."""
    state, before = read_state(git), operation.before
    _refuse_other_branch(git, state.branch)
    head = state.head
    if not (head and git.is_ancestor(before, head)):
        raise _moved(git, head, before)
    tree = git.require_id(f"{head}^{{tree}}")
    if head == before:
        _refuse_unstaged(git, operation, state)
        tree = index_tree(git)
    elif state.staged:
        state = replace(state, unstaged=(*state.unstaged, *state.staged))  # the commit was made without them
    _refuse_unresolved(git, operation, state, tree)
    if state.operation == "am" and head == before:
        am_continue(git)
    elif state.operation == "am":  # it was committed with `git commit`
        close_operation(git, state)
    return operation.with_done("resolved", git.require_id("HEAD"))


def _moved(git: Git, head: str, before: str) -> ToolError:
    return ToolError(
        f"HEAD of {git.folder} is at {head[:9]}, which does not stand on {before[:9]}.",
        why="It was moved by hand while patches were applied.",
        fix=f"Put it back there: git checkout -B {BRANCH} {before[:9]}; then run: inv vendor.continue\n"
        "Or run: inv vendor.abort   (commits of yours stay: a backup ref is left)",
    )


def _refuse_unstaged(git: Git, operation: Operation, state: State) -> None:
    """Raise ToolError unless what is staged can become the commit of the patch that waited."""
    if state.conflicted:
        raise ConflictError(git, operation, state.conflicted, "These files are still in conflict.")
    if not state.dirty:
        closed = f"The `am` of {operation.current} was closed, and there is no commit of it."
        nothing = f"Nothing is left of {operation.current}: no change is staged in {git.folder}."
        raise ToolError(
            nothing if state.operation == "am" else closed,
            fix="To leave the patch out: inv vendor.continue --skip\nTo go back to where you were: inv vendor.abort",
        )
    if state.operation != "am":
        raise ToolError(
            f"The `am` of {operation.current} was closed; what it left in {git.folder} is in no commit.",
            fix="To keep that as the patch: git add and git commit it there; then run: inv vendor.continue\n"
            "To leave the patch out (a backup is kept): inv vendor.continue --skip\n"
            "To go back to where you were: inv vendor.abort",
        )


def _refuse_unresolved(git: Git, operation: Operation, state: State, tree: str) -> None:
    """Raise ToolError if `tree`, which is to be the result of the patch that waited, is not resolved to its end."""
    if left := (*state.conflicted, *state.unstaged, *state.untracked):
        raise ToolError(
            f"Not staged in {git.folder}: {shorten(left)}.",
            why="Only what is staged becomes part of the patch.",
            fix="`git add` there what belongs to the patch, remove the rest; then run: inv vendor.continue",
        )
    if marked := marked_files(git, operation.before, tree, patch_at_hand(git, operation)):
        raise ToolError(
            f"Conflict markers are in {', '.join(marked)} of {git.folder}.",
            fix="Resolve them, `git add` the files; then run: inv vendor.continue",
        )


def _refuse_other_branch(git: Git, branch: str) -> None:
    if branch != BRANCH:
        raise ToolError(
            f"HEAD of {git.folder} is on {branch or 'no branch'}, not on {BRANCH}.",
            # Made anew from HEAD if it is gone; that HEAD stands where it must is seen next.
            fix=f"Run there: git checkout {'' if git.id_of(OURS) else '-b '}{BRANCH}   or: inv vendor.abort",
        )


def go_back(git: Git, operation: Operation, why: str) -> str:
    """Put HEAD and the working tree back to before the patch at hand; what was there is saved, the ref returned."""
    unlock(git)
    return set_head(git, Target(commit=operation.before), why=why, known=operation.known)


def unlock(git: Git) -> None:
    """Remove the lock that a killed git left."""
    # We hold the lock of the project, so this one is of a git that was killed.
    (git.dir / "index.lock").unlink(missing_ok=True)


def _finish(checkout: Checkout, git: Git, operation: Operation) -> Applied:
    for folder in (checkout.root, checkout.pin_file.parent):
        sweep(folder)
    if operation.new_pin:
        _write_pin(checkout, operation)
    if operation.changelog:
        changelog.add_line(checkout.root / "CHANGELOG.md", operation.changelog)
    remember_series(git, series_of(git))
    finish(git)
    head = git.require_id("HEAD")
    return Applied(base=operation.base, head=head, done=operation.done, bumped=operation.kind == "bump")


def _write_pin(checkout: Checkout, operation: Operation) -> None:
    if checkout.pin_file.read_text(encoding="utf-8") not in (operation.old_pin, operation.new_pin):
        raise ToolError(
            f"{checkout.pin_file} was changed while the bump was under way.",
            fix="Restore it (git checkout -- vendor/llama.cpp.toml), then run: inv vendor.continue",
        )
    write_file(checkout.pin_file, operation.new_pin.encode())
