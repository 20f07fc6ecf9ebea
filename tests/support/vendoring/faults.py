"""What makes vendoring hard, and what finds out what is lost: failing calls of git, and tokens in a repository."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tools.errors import ToolError
from tools.git import repository
from tools.git.repository import Git
from tools.util import cmd

TOKEN = re.compile(rb"token-\d+")
"""A line that is written once, and found again wherever it goes."""


@dataclass(frozen=True)
class Fault:
    """What happens at a task's git call of a number: it fails with a status, or the command is interrupted there."""

    call: int
    status: int | None = None
    """None is Ctrl-C."""


NONE = Fault(call=-1)


@contextmanager
def injected(fault: Fault) -> Iterator[None]:
    """Have `fault` in what runs inside."""
    real: Callable[..., Any] = repository._call
    calls = itertools.count()

    def call(argv: Any, folder: Path, variables: Mapping[str, str], **options: Any) -> Any:
        return real(argv, folder, variables, **options) if next(calls) != fault.call else _fail(fault, folder, options)

    with mock.patch.object(repository, "_call", call):
        yield


def _fail(fault: Fault, folder: Path, options: Mapping[str, Any]) -> cmd.Result:
    if fault.status is None:
        raise KeyboardInterrupt
    statuses = options.get("statuses", (0,))
    if statuses is not None and fault.status not in statuses:
        raise ToolError(f"git failed with status {fault.status} in {folder}.")
    return cmd.Result(argv=(), returncode=fault.status, stdout="", stderr="injected")


class Contents:
    """Finds tokens in a repository; what an object holds is remembered, since it never changes."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._known: dict[str, frozenset[bytes]] = {}
        self._named: dict[str, set[bytes]] = {}

    def reachable(self, git: Git, *refs: str) -> set[bytes]:
        """Return the tokens in the commits that `refs` name, and in everything that these hold."""
        listed = git.ask("rev-list", "--objects", "--no-object-names", *refs).split()
        new = [name for name in listed if name not in self._known]
        for name, content in zip(new, git.blobs(new), strict=True):
            self._known[name] = frozenset(TOKEN.findall(content))
        return {token for name in listed for token in self._known[name]}

    def main(self, git: Git) -> set[bytes]:
        """Return the tokens in the working tree, the index, HEAD and every ref but backups."""
        found = tokens_below(git.folder)
        if not git.exists:
            return found
        state = _names_of_objects(git)
        if state not in self._named:
            self._named[state] = self._reachable_from_names(git)
        return found | self._named[state]

    def _reachable_from_names(self, git: Git) -> set[bytes]:
        heads = [lines[0] for name in ("HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD") if (lines := lines_of(git.dir / name))]
        heads += [line.split()[1] for line in lines_of(git.dir / "logs/refs/stash")]
        detached = [head for head in heads if not head.startswith("ref: ")]
        refs = ("--exclude=refs/llamapack/backup/*", "--glob=refs/*", "--indexed-objects")
        return self.reachable(git, *detached, *refs)

    def backups(self, git: Git, names: str) -> set[bytes]:
        """Return the tokens in those backup refs that are named in the text `names`."""
        refs = git.ask("for-each-ref", "--format=%(refname)", "refs/llamapack/backup/").split() if git.exists else []
        named = [ref for ref in refs if ref in names]
        return self.reachable(git, *named) if named else set()


def _names_of_objects(git: Git) -> str:
    """Return a digest of all that `Contents.main` asks git about: HEAD and its like, refs, the stash and the index.

    While it is the same, so are the objects that these name. Most tasks change none of it, and git takes much longer.
    """
    names = ("HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "logs/refs/stash", "packed-refs", "shallow", "index")
    loose = sorted(path for path in (git.dir / "refs").rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in (*(git.dir / name for name in names), *loose):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file, none if it is not there."""
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def tokens_below(folder: Path) -> set[bytes]:
    """Return the tokens in the files of a folder, git's own left out."""
    found: set[bytes] = set()
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for path in (Path(parent, name) for name in names if name != ".git"):
            if not path.is_symlink():
                found |= set(TOKEN.findall(path.read_bytes()))
    return found


def changed_lines(patch: bytes, sign: bytes) -> set[tuple[str, bytes]]:
    """Return the lines that a patch adds (+) or removes (-), each with its file."""
    found: set[tuple[str, bytes]] = set()
    for part in re.split(rb"^diff --git ", patch, flags=re.MULTILINE)[1:]:
        path = part.partition(b" ")[0].removeprefix(b"a/").decode()
        lines = (line for line in part.split(b"\n") if line.startswith(sign) and not line.startswith(sign * 3))
        found |= {(path, line[1:]) for line in lines}
    return found
