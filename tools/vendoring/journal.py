"""What an apply or a bump has done and has still to do: written down before each step, so a kill loses nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from tools.errors import ToolError, shorten
from tools.git.patch import Patch, read_series
from tools.git.repository import Git
from tools.git.worktree_state import State
from tools.util.atomic_files import write_file
from tools.util.files import remove_tree
from tools.vendoring.source.tracking import REPOSITORY

Kind = Literal["apply", "bump"]
How = Literal["clean", "fuzzy", "resolved", "upstream", "dropped"]
"""How a patch went in: as it is, by a three-way merge, by hand, or not: upstream has it, or it was left out."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A patch that is dealt with."""

    name: str
    how: How
    commit: str = ""
    """The commit of it, or the one before it if it made none."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An apply or a bump that is under way."""

    kind: Kind
    base: str
    """The commit that the series goes on."""
    names: tuple[str, ...]
    start_head: str
    start_ref: str
    """The branch that HEAD was on, as a full ref; empty if it was on none."""
    start_branch: str
    start_base: str
    start_series: tuple[str, ...] | None = None
    """The SHA-256 of each patch file that was last applied or written before; None if none was noted."""
    old_pin: str = ""
    new_pin: str = ""
    """The text of the pin file before a bump, and the one written when all is applied."""
    changelog: str = ""
    """The line that goes into the changelog then."""
    done: tuple[Done, ...] = ()
    before: str = ""
    """HEAD before the patch at hand; empty until the base is checked out."""
    stopped: bool = False
    """Whether the patch at hand waits for the maintainer."""

    @property
    def current(self) -> str:
        """The patch at hand; empty if all are dealt with."""
        return self.names[len(self.done)] if len(self.done) < len(self.names) else ""

    def with_done(self, how: How, head: str) -> Operation:
        """Return the operation with the patch at hand dealt with."""
        done = (*self.done, Done(name=self.current, how=how, commit=head))
        return replace(self, done=done, before=head, stopped=False)

    @property
    def known(self) -> tuple[str, ...]:
        """The commits that may lose their names: those of before, and of patches that went in by themselves."""
        made = [done.commit for done in self.done]
        by_hand = [index for index, done in enumerate(self.done) if done.how == "resolved"]
        return (self.start_head, self.start_branch, self.base, *(made[: by_hand[0]] if by_hand else made))


def _folder(git: Git) -> Path:
    return git.dir / "llamapack"


def begin(git: Git, operation: Operation, series: Sequence[Patch]) -> None:
    """Write the operation down with copies of its patches: later edits of the folder do not change it."""
    remove_tree(_folder(git) / "series")
    for patch in series:
        write_file(_folder(git) / "series" / patch.name, patch.content)
    last = last_series(git)
    save(git, replace(operation, start_series=None if last is None else tuple(last)))
    # Until it is done, what is there was made from no series.
    (_folder(git) / "last.json").unlink(missing_ok=True)


def save(git: Git, operation: Operation) -> None:
    """Write down where the operation is."""
    write_file(_folder(git) / "operation.json", json.dumps(asdict(operation), indent=1).encode())


def current_operation(git: Git) -> Operation | None:
    """Return the operation that is under way, or None."""
    path = _folder(git) / "operation.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        data["done"] = tuple(Done(**done) for done in data["done"])
        data["names"] = tuple(data["names"])
        data["start_series"] = None if data.get("start_series") is None else tuple(data["start_series"])
        return Operation(**data)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        fix = "Remove it; then run: inv vendor.apply-patches"
        raise ToolError(f"{path} is damaged.", why=str(error), fix=fix) from error


def patch_at_hand(git: Git, operation: Operation) -> Patch:
    """Return the patch that is next or waits."""
    path = _folder(git) / "series" / operation.current
    return Patch(name=operation.current, content=path.read_bytes())


def series_of(git: Git) -> tuple[Patch, ...]:
    """Return the copies of the operation's patches."""
    return read_series(_folder(git) / "series")


def finish(git: Git) -> None:
    """Forget the operation."""
    (_folder(git) / "operation.json").unlink(missing_ok=True)
    remove_tree(_folder(git) / "series")


def restore_series(git: Git, operation: Operation) -> None:
    """Note again what was applied or written before an operation that is given up."""
    if operation.start_series is not None:
        write_file(_folder(git) / "last.json", json.dumps(list(operation.start_series), indent=1).encode())


def remember_series(git: Git, series: Sequence[Patch]) -> None:
    """Note the patch files that our branch's commits were made from, or were written to."""
    note_known(git, series)
    write_file(_folder(git) / "last.json", json.dumps([patch.sha256 for patch in series], indent=1).encode())


def note_known(git: Git, series: Sequence[Patch]) -> None:
    """Note patch files whose content the tracking repository has as commits."""
    text = json.dumps(sorted({*known_series(git), *(patch.sha256 for patch in series)}), indent=1)
    write_file(_folder(git) / "known.json", text.encode())


def last_series(git: Git) -> list[str] | None:
    """Return the SHA-256 of each patch file that was last applied or written, in order, or None if none was noted."""
    try:
        return [str(name) for name in json.loads((_folder(git) / "last.json").read_text(encoding="utf-8"))]
    except (FileNotFoundError, ValueError, TypeError):
        return None


def known_series(git: Git) -> set[str]:
    """Return the SHA-256 of every patch file noted so far."""
    try:
        return set(json.loads((_folder(git) / "known.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return set()


def unfinished_steps(state: State, operation: Operation | None) -> tuple[str, ...]:
    """Return what ends an operation or a conflict that is open; empty if none is."""
    if operation:
        return ("inv vendor.continue", "inv vendor.abort")
    if state.operation:
        return (f"git {state.operation} --continue (or --abort), in {REPOSITORY}",)
    if state.conflicted:
        return (f"resolve {shorten(state.conflicted)} and `git add` them, in {REPOSITORY} (a popped stash is kept)",)
    return ()
