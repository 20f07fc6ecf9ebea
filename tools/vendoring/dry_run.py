"""Try a series on a commit in a scratch clone: what would happen, with nothing changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from tools.errors import ToolError
from tools.git.am import am, expected
from tools.git.patch import Patch
from tools.git.repository import Git
from tools.git.scratch_clone import scratch_clone
from tools.git.worktree_state import close_operation, read_state
from tools.vendoring.journal import How
from tools.vendoring.source.pin import Pin


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a patch of the series would go."""

    name: str
    how: How | Literal["conflict"]
    files: tuple[str, ...] = ()
    """The files in conflict."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A scratch clone that stands at the base with all patches that apply."""

    git: Git
    outcomes: tuple[Outcome, ...]

    @property
    def tree(self) -> str:
        """The tree that results."""
        return self.git.require_id("HEAD^{tree}")

    @property
    def conflicts(self) -> tuple[Outcome, ...]:
        """The patches that do not apply."""
        return tuple(outcome for outcome in self.outcomes if outcome.how == "conflict")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a bump would do."""

    old: Pin
    new: Pin
    outcomes: tuple[Outcome, ...]


@contextmanager
def rehearse(git: Git, base: str, series: Sequence[Patch]) -> Iterator[Rehearsal]:
    """Yield a scratch clone of `git` at `base` with the series applied; patches in conflict are left out."""
    with scratch_clone(git) as clone:
        clone.run("checkout", "--quiet", "--force", "-B", "rehearsal", base)
        outcomes: list[Outcome] = []
        head = base
        for patch in series:
            outcome, head = _try(clone, patch, head)
            outcomes.append(outcome)
        yield Rehearsal(git=clone, outcomes=tuple(outcomes))


def _try(clone: Git, patch: Patch, head: str) -> tuple[Outcome, str]:
    """Try `patch` on `head`, which is checked out; return how it went, and where HEAD is then."""
    how = expected(clone, patch)
    if how == "upstream":
        return Outcome(name=patch.name, how=how), head
    if am(clone, patch).returncode == 0:
        after = clone.require_id("HEAD")
        return Outcome(name=patch.name, how="upstream" if after == head else how), after
    state = read_state(clone)
    if state.operation != "am":
        raise ToolError(f"git cannot apply {patch.name}.", fix="Run it again; then correct or remove that file.")
    close_operation(clone, state)
    clone.run("reset", "--quiet", "--hard", "HEAD")
    clone.run("clean", "--quiet", "--force", "-d")
    return Outcome(name=patch.name, how="conflict", files=state.conflicted or patch.files), head
