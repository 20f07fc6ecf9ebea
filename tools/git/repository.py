"""Call git so that neither the user's configuration, nor the environment, nor a repository around ours matters.

A failing git is never taken for an answer: what is missing is told apart from what could not be asked, and each call
names the exit statuses that are answers.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from tools.errors import ToolError
from tools.util import cmd

OLDEST = (2, 30)
NOWHERE = "/dev/null"  # git for Windows knows it too
_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

_SETTINGS = {
    "advice.detachedHead": "false",
    "am.threeWay": "false",
    "apply.ignoreWhitespace": "no",
    "apply.whitespace": "nowarn",
    "commit.gpgSign": "false",
    "core.attributesFile": NOWHERE,
    "core.autocrlf": "false",
    "core.commentChar": "#",
    "core.eol": "lf",
    "core.excludesFile": NOWHERE,
    "core.fsmonitor": "false",
    "core.hooksPath": NOWHERE,
    "core.longPaths": "true",
    "core.quotePath": "false",
    "core.safecrlf": "false",
    "core.untrackedCache": "false",
    "diff.renames": "true",
    "gc.auto": "0",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
    "maintenance.auto": "false",
    "merge.conflictStyle": "merge",
    "merge.renames": "true",
    "rerere.enabled": "false",
    "submodule.recurse": "false",
}
_FIXED = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_EDITOR": ":",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
_ALONE = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": NOWHERE,
    "GIT_CONFIG_SYSTEM": NOWHERE,
    "GIT_COMMITTER_NAME": "llamapack",
    "GIT_COMMITTER_EMAIL": "llamapack@localhost",
}
_PLACES = ("GIT_EXEC_PATH",)  # where a git that was unpacked anywhere finds its own programs
# What a user may need to reach the network: proxies, certificates, rewritten addresses.
_FOR_NETWORK = ("GIT_SSH", "GIT_SSL", "GIT_PROXY", "GIT_HTTP", "GIT_CONFIG", "GIT_ALLOW_PROTOCOL", *_PLACES)


Commits: TypeAlias = Mapping[str, Sequence[str]]
"""Commits in an order, each with its parents."""


@dataclass(frozen=True, kw_only=True)
class Git:
    """A repository: `folder` is its working tree, and nothing above it is ever looked at."""

    folder: Path
    dir: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> Git:
        """Return the repository whose working tree is `folder`; a linked worktree's `.git` file is followed."""
        whole = folder.absolute()
        return cls(folder=whole, dir=_linked(whole / ".git"))

    @classmethod
    def create(cls, folder: Path, *, branch: str = "main") -> Git:
        """Make an empty repository in `folder`, with no hooks and with line endings left alone."""
        made = cls.at(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # Given GIT_WORK_TREE, `git init` would write the folder's present name into the configuration.
        variables = {name: value for name, value in made._environment().items() if name not in made._where()}
        _call(
            made._argv(["-c", f"init.defaultBranch={branch}", "init", "--quiet", "--template=", "."]), folder, variables
        )
        with (made.dir / "config").open("a", encoding="utf-8", newline="\n") as config:
            config.write("[core]\n\tautocrlf = false\n\teol = lf\n\tlongPaths = true\n[gc]\n\tauto = 0\n")
        return made

    @property
    def exists(self) -> bool:
        """Whether there is a repository."""
        return self.dir.exists()

    @property
    def common_dir(self) -> Path:
        """The folder that holds objects and refs; another one than `dir` in a linked worktree."""
        pointer = self.dir / "commondir"
        return (self.dir / pointer.read_text(encoding="utf-8").strip()).resolve() if pointer.is_file() else self.dir

    def with_variables(self, **variables: str) -> Git:
        """Return the same repository, called with more variables: GIT_INDEX_FILE for another index."""
        return Git(folder=self.folder, dir=self.dir, variables={**self.variables, **variables})

    def run(
        self, *args: str | os.PathLike[str], stdin: str | None = None, statuses: Sequence[int] = (0,)
    ) -> cmd.Result:
        """Run `git ARGS` without the user's configuration. Text goes in and comes out with its line endings.

        `statuses` are the exit statuses that are answers; any other one is a ToolError.
        """
        return _call(self._argv(args), self.folder, self._environment(), statuses=statuses, stdin=stdin)

    def attempt(self, *args: str | os.PathLike[str], stdin: str | None = None) -> cmd.Result:
        """Run `git ARGS` and return the result whatever its status, for a caller that looks at what came of it."""
        return _call(self._argv(args), self.folder, self._environment(), statuses=None, stdin=stdin)

    def ask(self, *args: str | os.PathLike[str]) -> str:
        """Return what `git ARGS` prints, without the space around it."""
        return self.run(*args).stdout.strip()

    def names(self, *args: str | os.PathLike[str]) -> tuple[str, ...]:
        """Return what `git ARGS -z` prints, as names."""
        return tuple(name for name in self.run(*args).stdout.split("\0") if name)

    def ids_of(self, *names: str) -> tuple[str, ...]:
        """Return the object id that each name stands for, empty for one that is not there."""
        lines = self.run("cat-file", "--batch-check", stdin="".join(f"{name}\n" for name in names)).stdout.splitlines()
        if len(lines) != len(names):
            raise ToolError(f"git cat-file gave {len(lines)} answers to {len(names)} questions in {self.dir}.")
        return tuple(_object_id(name, line) for name, line in zip(names, lines, strict=True))

    def id_of(self, name: str) -> str:
        """Return the object id that `name` stands for, or an empty string if there is no such object."""
        return self.ids_of(name)[0]

    def require_id(self, name: str) -> str:
        """Return the object id that `name` stands for; ToolError if there is no such object."""
        if not (found := self.id_of(name)):
            raise ToolError(f"There is no {name} in {self.dir}.", fix="Run: inv vendor.status")
        return found

    def has(self, commit: str) -> bool:
        """Tell whether the objects of `commit` are here."""
        return bool(self.id_of(f"{commit}^{{tree}}"))

    def branch(self) -> str:
        """Return the branch that HEAD is on, or an empty string if it is on none."""
        return self.ask("branch", "--show-current")

    def commits(self, *revisions: str) -> Commits:
        """Return the commits that `git rev-list` names for `revisions`, oldest first, each with its parents."""
        lines = self.ask("rev-list", "--reverse", "--parents", *revisions).splitlines()
        return {commit: tuple(parents) for commit, *parents in map(str.split, lines)}

    def is_ancestor(self, old: str, new: str) -> bool:
        """Tell whether the commit `new` is `old` or stands on it."""
        return not self.ask("rev-list", "-1", old, f"^{new}")

    def blobs(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Yield the contents of the objects `ids`, in order."""
        if not ids:
            return
        process = subprocess.Popen(
            [*self._argv(["cat-file", "--batch"])],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            for name in ids:
                process.stdin.write(f"{name}\n".encode())
                process.stdin.flush()
                header = process.stdout.readline().split()
                if len(header) != 3:
                    raise ToolError(f"Object {name} is missing in {self.dir}.", fix="Run: inv vendor.clean --tracking")
                content = process.stdout.read(int(header[2]))
                if len(content) != int(header[2]) or process.stdout.read(1) != b"\n":
                    raise ToolError(f"git ended in the middle of object {name} of {self.dir}.", fix="Run it again.")
                yield content
            process.stdin.close()

    def network(self, *args: str, timeout: float) -> cmd.Result:
        """Run `git ARGS` with the user's configuration, which may hold proxies; it never asks a question."""
        keep = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(_FOR_NETWORK)}
        variables = {**keep, **self._where(), **_FIXED}
        try:
            return _call(self._argv(args), self.folder, variables, statuses=None, timeout=timeout)
        except subprocess.TimeoutExpired:
            why = f"no answer within {timeout:.0f} seconds"
            return cmd.Result(argv=tuple(args), returncode=124, stdout="", stderr=why)

    def _argv(self, args: Sequence[str | os.PathLike[str]]) -> list[str | os.PathLike[str]]:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return ["git", *settings, *args]

    def _where(self) -> dict[str, str]:
        return {"GIT_DIR": str(self.dir), "GIT_WORK_TREE": str(self.folder)}

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _PLACES}
        # Before 2.32, git knows no variable for the user's configuration, only the folders it may be in.
        homes = {"HOME": str(self.dir), "XDG_CONFIG_HOME": str(self.dir)}
        return {**clean, **homes, **self._where(), **_FIXED, **_ALONE, **self.variables}


def _linked(dot_git: Path) -> Path:
    """Return the repository's folder, which a file `.git` names in a linked worktree."""
    if not dot_git.is_file():
        return dot_git
    named = dot_git.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir: ").strip()
    return (dot_git.parent / named).resolve()


def _object_id(name: str, line: str) -> str:
    """Return the id that a line of `git cat-file --batch-check` gives, or an empty string if it says "missing"."""
    if line == f"{name} missing":
        return ""
    found, _, rest = line.partition(" ")
    if not (_ID.fullmatch(found) and rest.rpartition(" ")[2].isdigit()):
        raise ToolError(f"git does not know what {name!r} is.", why=line)
    return found


def _call(
    argv: Sequence[str | os.PathLike[str]],
    folder: Path,
    variables: Mapping[str, str],
    *,
    statuses: Sequence[int] | None = (0,),
    stdin: str | None = None,
    timeout: float | None = None,
) -> cmd.Result:
    try:
        done = cmd.run(argv, cwd=folder, env=variables, check=False, timeout=timeout, stdin=stdin)
    except ToolError as error:
        raise _not_found(folder) from error
    if statuses is not None and done.returncode not in statuses:
        shown = [arg for arg in done.argv[1:] if arg != "-c" and arg.partition("=")[0] not in _SETTINGS]
        raise ToolError(
            f"git {shlex.join(shown)} failed with status {done.returncode} in {folder}.",
            why=(done.stderr or done.stdout).strip()[-4000:],
        )
    return done


def _not_found(folder: Path) -> ToolError:
    if not folder.is_dir():
        return ToolError(f"{folder} is not there.", fix="Run: inv vendor.apply-patches")
    return ToolError(
        "git was not found.",
        why="llama.cpp's source is kept and patched with it.",
        fix="Install git 2.30 or newer, and put it on PATH.",
    )


@cache
def _version(_path: str) -> str:
    """Return what the git on PATH says of itself."""
    return _call(["git", "--version"], Path.cwd(), os.environ).stdout


def require_git() -> None:
    """Raise ToolError if git is missing or too old."""
    said = _version(os.environ.get("PATH", ""))
    found = re.search(r"(\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < OLDEST:
        raise ToolError(
            f"{said.strip() or 'This git'} is too old.",
            why="Patches are applied and written with options that came with git 2.30.",
            fix="Install git 2.30 or newer.",
        )
