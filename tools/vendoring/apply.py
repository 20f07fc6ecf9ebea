"""Apply the patch series with `git am -3`, one patch at a time, so that it can continue after every stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tools.errors import ToolError
from tools.git.am import am
from tools.git.format_patch import exported_contents
from tools.git.patch import Patch, read_series
from tools.git.repository import Git
from tools.git.worktree_state import read_state
from tools.paths import Checkout
from tools.util.atomic_files import write_file
from tools.util.files import staged_folder
from tools.vendoring import changelog
from tools.vendoring.backups import Target, require_nothing_at_risk, set_head
from tools.vendoring.command import command
from tools.vendoring.journal import (
    Done,
    Operation,
    begin,
    current_operation,
    finish,
    remember_series,
    restore_series,
    save,
)
from tools.vendoring.sequencer import Applied, ConflictError, go_back, resolved, run_operation, unlock
from tools.vendoring.source.fetch import fetch_pinned, make_repository, refuse_foreign
from tools.vendoring.source.pin import Pin, load_pin
from tools.vendoring.source.tracking import BASE, BRANCH, OURS, our_branch

__all__ = ["Applied", "ConflictError", "abort_operation", "apply_patches", "continue_operation"]


def apply_patches(checkout: Checkout, *, discard: bool = False) -> Applied:
    """Put the tracking repository at the pinned commit with the series on top; create it if there is none.

    It stops at the first conflict, with the `am` left open. Work that only the repository has stops it before it
    begins, unless `discard`, which keeps that work under a backup ref.
    """
    with command(checkout, f"patching {checkout.tracking}"):
        pin, series = load_pin(checkout.pin_file), read_series(checkout.patches)
        git = _repository(checkout, pin)
        refuse_open(git)
        fetch_pinned(git, pin)
        target = target_of(pin.commit, series)
        backup = require_nothing_at_risk(checkout, git, target, discard=discard, doing="Applying the patches")
        if is_applied(git, pin, series):
            moved = _switch_to_ours(git)
            done = tuple(Done(name=patch.name, how="clean") for patch in series)
            head = git.require_id(OURS)
            return Applied(base=pin.commit, head=head, done=done, changed=moved or bool(backup), backup=backup)
        applied = start(checkout, git, operation_to(git, pin.commit, series), series)
        return replace(applied, backup=backup or applied.backup)


def target_of(base: str, series: Sequence[Patch]) -> Target:
    """Return where the series on `base` puts HEAD, with every file that it writes."""
    return Target(commit=base, files=tuple(name for patch in series for name in patch.files))


def is_applied(git: Git, pin: Pin, series: Sequence[Patch]) -> bool:
    """Tell whether our branch is the pinned commit with exactly this series."""
    branch = our_branch(git)
    if branch.base != pin.commit or not branch.stands:
        return False
    contents = exported_contents(git, branch.commits)
    return [contents.get(commit) for commit in branch.commits] == [patch.content for patch in series]


def operation_to(git: Git, base: str, series: Sequence[Patch]) -> Operation:
    """Return the operation that applies `series` on `base`, beginning where the repository is now."""
    head, ours, noted = git.ids_of("HEAD^{commit}", OURS, BASE)
    branch = git.branch()
    return Operation(
        kind="apply",
        base=base,
        names=tuple(patch.name for patch in series),
        start_head=head,
        start_ref=f"refs/heads/{branch}" if branch else "",
        start_branch=ours,
        start_base=noted,
    )


def start(checkout: Checkout, git: Git, operation: Operation, series: Sequence[Patch]) -> Applied:
    """Begin `operation` and go on until it is done or a patch does not apply."""
    begin(git, operation, series)
    return run_operation(checkout, git, operation)


def continue_operation(checkout: Checkout, *, skip: bool = False) -> Applied:
    """Go on after a conflict was resolved, or after a kill; `skip` leaves the patch at hand out of the series."""
    with command(checkout, f"patching {checkout.tracking}"):
        git, operation = _open_operation(checkout)
        if skip and not operation.current:
            raise ToolError("No patch is at hand to skip.", fix="Run: inv vendor.continue")
        backup = ""
        if skip and operation.before:
            backup = go_back(git, operation, "before: skipping a patch")
        if skip:
            operation = operation.with_done("dropped", operation.before)
            save(git, operation)
        elif operation.stopped:
            operation = resolved(git, operation)
            save(git, operation)
        applied = run_operation(checkout, git, operation)
        return replace(applied, backup=backup or applied.backup)


def abort_operation(checkout: Checkout) -> str:
    """Put the repository back to where the operation began; return the backup ref of what was done since."""
    with command(checkout, f"restoring {checkout.tracking}"):
        git, operation = _open_operation(checkout)
        unlock(git)
        backup = _restore_head(git, operation)
        if operation.new_pin and checkout.pin_file.read_text(encoding="utf-8") == operation.new_pin:
            write_file(checkout.pin_file, operation.old_pin.encode())
        if operation.changelog:
            changelog.remove_line(checkout.root / "CHANGELOG.md", operation.changelog)
        restore_series(git, operation)
        finish(git)
        return backup


def _repository(checkout: Checkout, pin: Pin) -> Git:
    git = Git.at(checkout.tracking)
    if git.exists:
        return git
    refuse_foreign(checkout.tracking)
    with staged_folder(checkout.tracking) as folder:
        make_repository(folder, pin)
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


def _restore_head(git: Git, operation: Operation) -> str:
    target = Target(commit=operation.start_head, branch=operation.start_ref.removeprefix("refs/heads/"))
    backup = set_head(git, target, why="before: abort", known=operation.known)
    if operation.start_branch:
        git.run("update-ref", OURS, operation.start_branch)
    base = operation.start_base
    git.run("update-ref", *([BASE, base] if base else ["-d", BASE]))
    return backup


def _switch_to_ours(git: Git) -> bool:
    if git.branch() == BRANCH:
        return False
    git.run("checkout", "--quiet", "--no-overwrite-ignore", BRANCH)
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
