"""Take an operation step by step to its end, from wherever a conflict or a kill left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools.errors import ToolError, some
from tools.git.am import am, am_continue, expected
from tools.git.conflict_markers import marked_files
from tools.git.repository import Git
from tools.git.worktree_state import State, read_state
from tools.paths import Checkout
from tools.util.files import sweep, write_file
from tools.vendoring import changelog
from tools.vendoring.backups import clear, save_backup
from tools.vendoring.journal import Done, Operation, finish, patch_at_hand, remember_series, save, series_of
from tools.vendoring.source.fetch import BASE, BRANCH

OURS = f"refs/heads/{BRANCH}"


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
    """False where all was in place before."""
    bumped: bool = False
    backup: str = ""


def run_operation(checkout: Checkout, git: Git, operation: Operation) -> Applied:
    """Go on with `operation` until it is done; a patch that does not apply is a ConflictError."""
    unlock(git)
    if not operation.before:
        git.run("checkout", "--quiet", "--force", "-B", BRANCH, operation.base)
        git.run("update-ref", BASE, operation.base)
        operation = replace(operation, before=operation.base)
        save(git, operation)
    _refuse_other_branch(git)
    while operation.current:
        operation = _apply_one(git, operation)
        save(git, operation)
    return _finish(checkout, git, operation)


def _apply_one(git: Git, operation: Operation) -> Operation:
    patch, before = patch_at_hand(git, operation), operation.before
    how = expected(git, before, patch)
    if (head := git.id_of("HEAD")) != before:  # killed between the commit and our note of it
        if git.id_of("HEAD^") != before:
            raise _moved(git, head, before)
        return operation.with_done(how, head)
    state = read_state(git)
    if not state.is_clean:  # killed in the middle of it
        keep_edits(git, operation, "before: trying a patch again")
    if how == "upstream":
        return operation.with_done(how, before)
    done = am(git, patch)
    if done.returncode == 0:
        head = git.id_of("HEAD")
        return operation.with_done("upstream" if head == before else how, head)
    state = read_state(git)
    if state.operation != "am":
        raise ToolError(
            f"git cannot read {patch.name}.",
            why=(done.stderr or done.stdout).strip(),
            fix="Run: inv vendor.abort   (then mend or remove that file)",
        )
    save(git, replace(operation, stopped=True))
    raise ConflictError(
        git, operation, state.conflicted or patch.files, "" if state.conflicted else done.stderr.strip()
    )


def resolved(git: Git, operation: Operation) -> Operation:
    """Conclude the patch that waited."""
    _refuse_other_branch(git)
    state, head = read_state(git), git.id_of("HEAD")
    if state.operation == "am":
        _refuse_unresolved(git, operation, state)
        am_continue(git)
    elif head == operation.before:
        raise ToolError(
            f"The `am` of {operation.current} was closed, and there is no commit of it.",
            fix="To leave the patch out: inv vendor.continue --skip\nTo go back to where you were: inv vendor.abort",
        )
    elif git.run("merge-base", "--is-ancestor", operation.before, head, check=False).returncode != 0:
        raise _moved(git, head, operation.before)
    return operation.with_done("resolved", git.id_of("HEAD"))


def _moved(git: Git, head: str, before: str) -> ToolError:
    return ToolError(
        f"HEAD of {git.folder} is at {head[:9]}, which does not stand on {before[:9]}.",
        why="It was moved by hand while patches were applied.",
        fix=f"Put it back there: git checkout -B {BRANCH} {before[:9]}; then run: inv vendor.continue\n"
        "Or run: inv vendor.abort   (commits of yours stay: a backup ref is left)",
    )


def _refuse_unresolved(git: Git, operation: Operation, state: State) -> None:
    if state.conflicted:
        raise ConflictError(git, operation, state.conflicted, "These files are still in conflict.")
    if left := (*state.unstaged, *state.untracked):
        raise ToolError(
            f"Not staged in {git.folder}: {some(left)}.",
            why="Only what is staged becomes part of the patch.",
            fix="`git add` there what belongs to the patch, remove the rest; then run: inv vendor.continue",
        )
    if not state.staged:
        raise ToolError(
            f"Nothing is left of {operation.current}: no change is staged in {git.folder}.",
            fix="To leave the patch out: inv vendor.continue --skip\nOtherwise edit, `git add`, and run it again.",
        )
    if marked := marked_files(git, state.staged):
        raise ToolError(
            f"Conflict markers are in {', '.join(marked)} of {git.folder}.",
            fix="Resolve them, `git add` the files; then run: inv vendor.continue",
        )


def _refuse_other_branch(git: Git) -> None:
    head = git.run("symbolic-ref", "--quiet", "HEAD", check=False).stdout.strip()
    if head != OURS:
        raise ToolError(
            f"HEAD of {git.folder} is on {head.removeprefix('refs/heads/') or 'no branch'}, not on {BRANCH}.",
            fix=f"Run there: git checkout {BRANCH}   or: inv vendor.abort",
        )


def keep_edits(git: Git, operation: Operation, why: str) -> None:
    """Put HEAD and the working tree back to before the patch at hand, with a backup of what was there."""
    unlock(git)
    state = read_state(git)
    if state.dirty or git.id_of("HEAD") != operation.before:
        save_backup(git, why)
    clear(git, state)
    git.run("reset", "--quiet", "--hard", operation.before)


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
    return Applied(base=operation.base, head=git.id_of("HEAD"), done=operation.done, bumped=operation.kind == "bump")


def _write_pin(checkout: Checkout, operation: Operation) -> None:
    if checkout.pin_file.read_text(encoding="utf-8") not in (operation.old_pin, operation.new_pin):
        raise ToolError(
            f"{checkout.pin_file} was changed while the bump was under way.",
            fix="Restore it (git checkout -- vendor/llama.cpp.toml), then run: inv vendor.continue",
        )
    write_file(checkout.pin_file, operation.new_pin.encode())
