"""Apply the patch series with `git am -3`, one patch at a time, so that every stop can be gone on from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools import changelog
from tools.checkout import Checkout
from tools.errors import ToolError
from tools.export import commits_since, export_commits
from tools.files import explained, locked, staged_folder, sweep, write_file
from tools.git import Git, require_git
from tools.live import Say, quiet
from tools.mailbox import am, am_continue, expected
from tools.markers import marked_files
from tools.operation import (
    Done,
    Operation,
    begin,
    current_operation,
    finish,
    patch_at_hand,
    remember_series,
    save,
    series_of,
)
from tools.pin import Pin, load_pin
from tools.safety import clear, require_nothing_at_risk, save_backup
from tools.series import Patch, read_series
from tools.source import BASE, BRANCH, fetch_pinned, make_repository, refuse_foreign
from tools.state import State, read_state

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


def apply_patches(checkout: Checkout, *, discard: bool = False, say: Say = quiet) -> Applied:
    """Put the tracking repository at the pinned commit with the series on top; make it where there is none.

    It stops at the first conflict, with the `am` left open. Work that only the repository has stops it before it
    begins, unless `discard`, which keeps that work under a backup ref.
    """
    with locked(checkout.lock_file), explained(f"patching {checkout.tracking}"):
        require_git()
        pin, series = load_pin(checkout.pin_file), read_series(checkout.patches)
        git = _repository(checkout, pin, say)
        refuse_open(git)
        fetch_pinned(git, pin, say)
        backup = require_nothing_at_risk(checkout, git, discard=discard, doing="Applying the patches")
        if is_applied(git, pin, series):
            moved = _switch_to_ours(git)
            done = tuple(Done(name=patch.name, how="clean") for patch in series)
            return Applied(base=pin.commit, head=git.id_of(OURS), done=done, changed=moved, backup=backup)
        return replace(start(checkout, git, operation_to(git, pin.commit, series), series), backup=backup)


def is_applied(git: Git, pin: Pin, series: Sequence[Patch]) -> bool:
    """Tell whether our branch is the pinned commit with exactly this series."""
    if git.id_of(BASE) != pin.commit or not git.id_of(OURS):
        return False
    commits = commits_since(git, pin.commit, OURS)
    if len(commits) != len(series):
        return False
    try:
        return [p.content for p in export_commits(git, commits)] == [p.content for p in series]
    except ToolError:
        return False


def operation_to(git: Git, base: str, series: Sequence[Patch]) -> Operation:
    """Return the operation that applies `series` on `base`, beginning where the repository is now."""
    return Operation(
        kind="apply",
        base=base,
        names=tuple(patch.name for patch in series),
        start_head=git.id_of("HEAD^{commit}"),
        start_ref=git.run("symbolic-ref", "--quiet", "HEAD", check=False).stdout.strip(),
        start_branch=git.id_of(OURS),
        start_base=git.id_of(BASE),
    )


def start(checkout: Checkout, git: Git, operation: Operation, series: Sequence[Patch]) -> Applied:
    """Begin `operation` and go on until it is done or a patch does not apply."""
    begin(git, operation, series)
    return _run(checkout, git, operation)


def continue_operation(checkout: Checkout, *, skip: bool = False) -> Applied:
    """Go on after a conflict was resolved, or after a kill; `skip` leaves the patch at hand out of the series."""
    with locked(checkout.lock_file), explained(f"patching {checkout.tracking}"):
        git, operation = _open_operation(checkout)
        if skip and not operation.current:
            raise ToolError("No patch is at hand to skip.", fix="Run: inv vendor.continue")
        if skip:
            _keep_edits(git, operation, "before: skipping a patch")
            operation = operation.with_done("dropped", operation.before)
            save(git, operation)
        elif operation.stopped:
            operation = _resolved(git, operation)
            save(git, operation)
        return _run(checkout, git, operation)


def abort_operation(checkout: Checkout) -> str:
    """Put the repository back to where the operation began; return the backup ref of what was done since."""
    with locked(checkout.lock_file), explained(f"restoring {checkout.tracking}"):
        git, operation = _open_operation(checkout)
        _unlock(git)
        by_hand = [done for done in operation.done if done.how == "resolved"]
        dirty = bool(read_state(git).dirty)
        backup = save_backup(git, "before: abort") if by_hand or dirty else ""
        clear(git, read_state(git))
        _restore_head(git, operation)
        if operation.new_pin and checkout.pin_file.read_text(encoding="utf-8") == operation.new_pin:
            write_file(checkout.pin_file, operation.old_pin.encode())
        if operation.changelog:
            changelog.remove_line(checkout.root / "CHANGELOG.md", operation.changelog)
        finish(git)
        return backup


def _repository(checkout: Checkout, pin: Pin, say: Say) -> Git:
    git = Git.at(checkout.tracking)
    if git.exists:
        return git
    refuse_foreign(checkout.tracking)
    with staged_folder(checkout.tracking) as folder:
        make_repository(folder, pin, say)
    return git


def refuse_open(git: Git) -> None:
    """Raise ToolError while an apply or a bump is under way."""
    if operation := current_operation(git):
        raise ToolError(
            f"A{'n' if operation.kind == 'apply' else ''} {operation.kind} is under way in {git.folder}: "
            f"{len(operation.done)} of {len(operation.names)} patches are dealt with.",
            fix="Run: inv vendor.continue   or, to go back to where you were: inv vendor.abort",
        )


def _open_operation(checkout: Checkout) -> tuple[Git, Operation]:
    git = Git.at(checkout.tracking)
    operation = current_operation(git) if git.exists else None
    if operation is None:
        other = read_state(git).operation if git.exists else ""
        raise ToolError(
            "No apply or bump is under way.",
            why=f"A git {other} is, begun by hand in {git.folder}." if other else "",
            fix=f"Finish that with git {other} there." if other else "Run: inv vendor.status",
        )
    return git, operation


def _run(checkout: Checkout, git: Git, operation: Operation) -> Applied:
    _unlock(git)
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
    if git.id_of("HEAD") != before:  # killed between the commit and our note of it
        return operation.with_done(how, git.id_of("HEAD"))
    state = read_state(git)
    if not state.is_clean:  # killed in the middle of it
        _keep_edits(git, operation, "before: trying a patch again")
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


def _resolved(git: Git, operation: Operation) -> Operation:
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
        raise ToolError(
            f"HEAD of {git.folder} is at {head[:9]}, which does not stand on {operation.before[:9]}.",
            fix="Run: inv vendor.abort   (commits of yours stay: a backup ref is left)",
        )
    return operation.with_done("resolved", git.id_of("HEAD"))


def _refuse_unresolved(git: Git, operation: Operation, state: State) -> None:
    if state.conflicted:
        raise ConflictError(git, operation, state.conflicted, "These files are still in conflict.")
    if left := (*state.unstaged, *state.untracked):
        raise ToolError(
            f"Not staged in {git.folder}: {', '.join(left)}.",
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


def _keep_edits(git: Git, operation: Operation, why: str) -> None:
    """Put HEAD and the working tree back to before the patch at hand, with a backup of what was there."""
    _unlock(git)
    state = read_state(git)
    if state.dirty or git.id_of("HEAD") != operation.before:
        save_backup(git, why)
    clear(git, state)
    git.run("reset", "--quiet", "--hard", operation.before)


def _unlock(git: Git) -> None:
    # We hold the lock of the project, so this one is of a git that was killed.
    (git.dir / "index.lock").unlink(missing_ok=True)


def _restore_head(git: Git, operation: Operation) -> None:
    if operation.start_ref == OURS:
        git.run("checkout", "--quiet", "--force", "-B", BRANCH, operation.start_head)
    else:
        name = operation.start_ref.removeprefix("refs/heads/")
        where = [name] if name else ["--detach", operation.start_head]
        git.run("checkout", "--quiet", "--force", *where)
        if operation.start_branch:
            git.run("update-ref", OURS, operation.start_branch)
    if operation.start_base:
        git.run("update-ref", BASE, operation.start_base)
    git.run("clean", "--quiet", "--force", "-d")


def _switch_to_ours(git: Git) -> bool:
    if git.run("symbolic-ref", "--quiet", "HEAD", check=False).stdout.strip() == OURS:
        return False
    git.run("checkout", "--quiet", BRANCH)
    return True


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


def apply_to_fresh(git: Git, series: Sequence[Patch]) -> None:
    """Apply `series` to a repository that nobody has worked in; a patch that does not apply is a ToolError."""
    for patch in series:
        done = am(git, patch)
        if done.returncode != 0:
            files = read_state(git).conflicted or patch.files
            raise ToolError(
                f"{patch.name} does not apply: {', '.join(files)}.",
                why=done.stderr.strip() or done.stdout.strip(),
                fix="Run: inv vendor.apply-patches   (it stops there, for you to resolve it)",
            )
    remember_series(git, series)
