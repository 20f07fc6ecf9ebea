"""Call git so that neither the user's configuration, nor the environment, nor a repository around ours matters."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.errors import ToolError
from tools.util import cmd

OLDEST = (2, 30)
NOWHERE = "/dev/null"  # git for Windows knows it too

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


@dataclass(frozen=True, kw_only=True)
class Git:
    """A repository: `folder` is its working tree, and nothing above it is ever looked at."""

    folder: Path
    dir: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> Git:
        """Return the repository whose working tree is `folder`."""
        whole = folder.absolute()
        return cls(folder=whole, dir=whole / ".git")

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

    def with_variables(self, **variables: str) -> Git:
        """Return the same repository, called with more variables: GIT_INDEX_FILE for another index."""
        return Git(folder=self.folder, dir=self.dir, variables={**self.variables, **variables})

    def run(self, *words: str | os.PathLike[str], check: bool = True, stdin: str | None = None) -> cmd.Result:
        """Run `git WORDS` without the user's configuration. Text goes in and comes out with its line endings."""
        return _call(self._argv(words), self.folder, self._environment(), check=check, stdin=stdin)

    def ask(self, *words: str | os.PathLike[str]) -> str:
        """Return what `git WORDS` prints, without the space around it."""
        return self.run(*words).stdout.strip()

    def names(self, *words: str | os.PathLike[str]) -> tuple[str, ...]:
        """Return what `git WORDS -z` prints, as names."""
        return tuple(name for name in self.run(*words).stdout.split("\0") if name)

    def id_of(self, name: str) -> str:
        """Return the object id that `name` stands for; nothing where it is unknown."""
        done = self.run("rev-parse", "--verify", "--quiet", name, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def has(self, commit: str) -> bool:
        """Tell whether the objects of `commit` are here."""
        return self.run("cat-file", "-e", f"{commit}^{{tree}}", check=False).returncode == 0

    def blobs(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Give the contents of the objects `ids`, in order."""
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
                yield process.stdout.read(int(header[2]))
                process.stdout.read(1)
            process.stdin.close()

    def network(self, *words: str, timeout: float) -> cmd.Result:
        """Run `git WORDS` with the user's configuration, which may hold proxies; it never asks a question."""
        keep = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(_FOR_NETWORK)}
        variables = {**keep, **self._where(), **_FIXED}
        try:
            return _call(self._argv(words), self.folder, variables, check=False, timeout=timeout)
        except subprocess.TimeoutExpired:
            why = f"no answer within {timeout:.0f} seconds"
            return cmd.Result(argv=tuple(words), returncode=124, stdout="", stderr=why)

    def _argv(self, words: Sequence[str | os.PathLike[str]]) -> list[str | os.PathLike[str]]:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return ["git", *settings, *words]

    def _where(self) -> dict[str, str]:
        return {"GIT_DIR": str(self.dir), "GIT_WORK_TREE": str(self.folder)}

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _PLACES}
        # Before 2.32, git knows no variable for the user's configuration, only the folders it may be in.
        homes = {"HOME": str(self.dir), "XDG_CONFIG_HOME": str(self.dir)}
        return {**clean, **homes, **self._where(), **_FIXED, **_ALONE, **self.variables}


def _call(
    argv: Sequence[str | os.PathLike[str]],
    folder: Path,
    variables: Mapping[str, str],
    *,
    check: bool = True,
    stdin: str | None = None,
    timeout: float | None = None,
) -> cmd.Result:
    # Not shell.run: in text mode, Python would change the line endings of patches.
    words = tuple(os.fspath(word) for word in argv)
    given = (stdin or "").encode("utf-8", "surrogateescape")
    try:
        done = subprocess.run(
            words, cwd=folder, env=variables, input=given, capture_output=True, timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        raise _not_found(folder) from error
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    if check and done.returncode != 0:
        said = [word for word in words[1:] if word != "-c" and word.partition("=")[0] not in _SETTINGS]
        raise ToolError(
            f"git {shlex.join(said)} failed with status {done.returncode} in {folder}.",
            why=(err or out).strip()[-4000:],
        )
    return cmd.Result(argv=words, returncode=done.returncode, stdout=out, stderr=err)


def _not_found(folder: Path) -> ToolError:
    if not folder.is_dir():
        return ToolError(f"{folder} is not there.", fix="Run: inv vendor.apply-patches")
    return ToolError(
        "git was not found.",
        why="llama.cpp's source is kept and patched with it.",
        fix="Install git 2.30 or newer, and put it on PATH.",
    )


def require_git() -> None:
    """Raise ToolError where git is missing or too old."""
    said = _call(["git", "--version"], Path.cwd(), os.environ).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < OLDEST:
        raise ToolError(
            f"{said.strip() or 'This git'} is too old.",
            why="Patches are applied and written with options that came with git 2.30.",
            fix="Install git 2.30 or newer.",
        )
