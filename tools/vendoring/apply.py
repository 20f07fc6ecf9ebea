"""Apply the patch series with `git am -3`, one patch at a time, so that every stop can be gone on from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tools.errors import ToolError
from tools.git.am import am
from tools.git.format_patch import commits_since, export_commits
from tools.git.patch import Patch, read_series
from tools.git.repository import Git, require_git
from tools.git.worktree_state import read_state
from tools.paths import Checkout
from tools.util.files import explained, locked, staged_folder, write_file
from tools.util.live import Say, quiet
from tools.vendoring import changelog
from tools.vendoring.backups import clear, require_nothing_at_risk, save_backup
from tools.vendoring.journal import Done, Operation, begin, current_operation, finish, remember_series, save
from tools.vendoring.sequencer import OURS, Applied, ConflictError, keep_edits, resolved, run_operation, unlock
from tools.vendoring.source.fetch import BASE, BRANCH, fetch_pinned, make_repository, refuse_foreign
from tools.vendoring.source.pin import Pin, load_pin

__all__ = ["Applied", "ConflictError", "abort_operation", "apply_patches", "continue_operation"]


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
    return run_operation(checkout, git, operation)


def continue_operation(checkout: Checkout, *, skip: bool = False) -> Applied:
    """Go on after a conflict was resolved, or after a kill; `skip` leaves the patch at hand out of the series."""
    with locked(checkout.lock_file), explained(f"patching {checkout.tracking}"):
        git, operation = _open_operation(checkout)
        if skip and not operation.current:
            raise ToolError("No patch is at hand to skip.", fix="Run: inv vendor.continue")
        if skip:
            keep_edits(git, operation, "before: skipping a patch")
            operation = operation.with_done("dropped", operation.before)
            save(git, operation)
        elif operation.stopped:
            operation = resolved(git, operation)
            save(git, operation)
        return run_operation(checkout, git, operation)


def abort_operation(checkout: Checkout) -> str:
    """Put the repository back to where the operation began; return the backup ref of what was done since."""
    with locked(checkout.lock_file), explained(f"restoring {checkout.tracking}"):
        git, operation = _open_operation(checkout)
        unlock(git)
        by_hand = [done for done in operation.done if done.how == "resolved"]
        moved = bool(operation.before) and git.id_of("HEAD") != operation.before
        backup = save_backup(git, "before: abort") if by_hand or moved or read_state(git).dirty else ""
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
