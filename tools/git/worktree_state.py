"""See what is going on in the tracking repository: edits, conflicts, operations that were not finished."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from tools.git.repository import Git
from tools.util.files import remove_tree

_MARKS = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer": "cherry-pick",
    "BISECT_LOG": "bisect",
}
_LISTING = ("-z", "--untracked-files=all", "--no-renames")


@dataclass(frozen=True, kw_only=True)
class State:
    """Where HEAD is, and what a move of it would run over."""

    head: str
    """The commit that HEAD is at; empty if its branch has none."""
    branch: str
    """The branch that HEAD is on; empty if it is on none."""
    operation: str
    """An am, rebase, merge, cherry-pick, revert or bisect that is open; else empty."""
    locked: bool
    """Whether .git/index.lock is there: a git command runs, or was killed."""
    conflicted: tuple[str, ...]
    staged: tuple[str, ...]
    unstaged: tuple[str, ...]
    untracked: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether the working tree is HEAD and nothing is under way."""
        return not (self.operation or self.locked or self.dirty)

    @property
    def dirty(self) -> tuple[str, ...]:
        """Every file that is not as in HEAD."""
        return tuple(sorted({*self.conflicted, *self.staged, *self.unstaged, *self.untracked}))


def read_state(git: Git) -> State:
    """Return the state of the repository."""
    found: dict[str, list[str]] = {"conflicted": [], "staged": [], "unstaged": [], "untracked": []}
    headers: dict[str, str] = {}
    for line in git.names("status", "--porcelain=v2", "--branch", "--no-ahead-behind", *_LISTING):
        kind, _, rest = line.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            headers[name] = value
        elif kind == "?":
            found["untracked"].append(rest)
        elif kind == "u":
            found["conflicted"].append(rest.split(" ", 9)[9])
        elif kind == "1":
            staged, unstaged, path = rest[0], rest[1], rest.split(" ", 7)[7]
            found["staged"] += [path] if staged != "." else []
            found["unstaged"] += [path] if unstaged != "." else []
    return State(
        head=headers["branch.oid"].replace("(initial)", ""),
        branch=headers["branch.head"].replace("(detached)", ""),
        operation=next((name for mark, name in _MARKS.items() if (git.dir / mark).exists()), ""),
        locked=(git.dir / "index.lock").exists(),
        **{name: tuple(paths) for name, paths in found.items()},
    )


def show_hidden(git: Git) -> tuple[str, ...]:
    """Have git look again into files that it was told to take for unchanged; return them.

    Edits in a file with the flag assume-unchanged or skip-worktree are in no status, and a checkout overwrites them.
    """
    listed = git.names("ls-files", "-v", "-z")
    hidden = tuple(line[2:] for line in listed if line[0].islower() or line[0] == "S")
    if hidden:
        paths = "".join(f"{path}\0" for path in hidden)
        for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
            git.run("update-index", flag, "-z", "--stdin", stdin=paths)
    return hidden


def remove_files(git: Git, names: Iterable[str]) -> None:
    """Remove files of the working tree, and the folders that are empty then. A repository in it (`name/`) stays."""
    for path in (git.folder / name for name in names if not name.endswith("/")):
        path.unlink(missing_ok=True)
        for folder in itertools.takewhile(lambda parent: parent != git.folder, path.parents):
            try:
                folder.rmdir()
            except OSError:  # it holds something else
                break


def close_operation(git: Git, state: State) -> None:
    """Close the operation that is open; HEAD, index and working tree stay."""
    if state.operation and state.operation != "bisect":
        git.attempt(state.operation, "--quit")
    for mark in _MARKS:  # what git did not close itself: a half-made operation of a killed git, a bisect
        path = git.dir / mark.partition("/")[0]
        if path.is_dir():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)
