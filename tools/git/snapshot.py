"""Look at a working tree as git would store it, without touching its index."""

from __future__ import annotations

import posixpath
import shutil
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from tools.errors import ToolError, printable
from tools.git.repository import Git
from tools.util.scratch import temporary_folder

LINK, SUBMODULE = "120000", "160000"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of a tree: git's mode (100644, 100755) and the id of its content."""

    mode: str
    blob: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A tree in an object store."""

    git: Git
    tree: str

    @cached_property
    def ggml_tree(self) -> str:
        """The id of its ggml folder; ToolError if it has none, and so is no tree of llama.cpp."""
        if not (found := self.git.id_of(f"{self.tree}:ggml")):
            raise ToolError(
                f"{self.git.folder} is no tree of llama.cpp: it has no ggml folder.",
                fix="Name the top folder of a llama.cpp source tree.",
            )
        return found

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """All its files; a symbolic link stands for the file that it leads to."""
        listed = dict(_listed(self.git, self.tree))
        return {path: _followed(self.git, listed, path) for path in listed}


@contextmanager
def scratch_index(git: Git, start: str = "") -> Iterator[Git]:
    """Give `git` with an index of its own: a copy of the real one, or what the tree `start` holds."""
    with temporary_folder("index") as folder:
        index = folder / "index"
        if not start and (git.dir / "index").exists():
            # With its time: git looks into files that are as new as the index, which their times cannot tell apart.
            shutil.copy2(git.dir / "index", index)
        scratch = git.with_variables(GIT_INDEX_FILE=str(index))
        if start:
            scratch.run("read-tree", start)
        yield scratch


def take_snapshot(git: Git, ignored: Sequence[str] = ()) -> Snapshot:
    """Return the working tree as it is: edited and new files included, and of the ignored ones those that are named."""
    with scratch_index(git) as scratch:
        scratch.run("add", "--all", "--", ".")
        if ignored:
            scratch.run("update-index", "--add", "-z", "--stdin", stdin="".join(f"{path}\0" for path in ignored))
        return Snapshot(git=git, tree=scratch.ask("write-tree"))


def tree_now(git: Git, edited: Collection[str]) -> str:
    """Return the tree of the working tree, where the files `edited` are not as in HEAD."""
    return (not edited and git.id_of("HEAD^{tree}")) or take_snapshot(git).tree


def index_tree(git: Git, conflicted: Sequence[str] = ()) -> str:
    """Return the tree that the index holds, without the files that are in conflict there."""
    with scratch_index(git) as scratch:
        if conflicted:
            paths = "".join(f"{path}\0" for path in conflicted)
            scratch.run("update-index", "--force-remove", "-z", "--stdin", stdin=paths)
        return scratch.ask("write-tree")


def changed_blobs(git: Git, old: str, new: str) -> dict[str, tuple[str, str]]:
    """Return each file that differs between two trees, with the ids of its content in both, empty if missing."""
    fields = git.run("diff-tree", "-r", "-z", "--no-renames", "--full-index", old, new).stdout.split("\0")
    found = {}
    for described, path in zip(fields[::2], fields[1::2], strict=False):
        was, now = described.split(" ")[2:4]
        found[path] = (was if was.strip("0") else "", now if now.strip("0") else "")
    return found


def _listed(git: Git, tree: str) -> Iterator[tuple[str, Entry]]:
    for line in git.names("ls-tree", "-r", "-z", "--full-tree", tree):
        described, _, path = line.partition("\t")
        mode, _, blob = described.split(" ")
        yield path, Entry(mode=mode, blob=blob)


def _followed(git: Git, listed: Mapping[str, Entry], path: str) -> Entry:
    seen, target = {path}, path
    while listed[target].mode == LINK:
        said = git.run("cat-file", "blob", listed[target].blob).stdout
        target = posixpath.normpath(posixpath.join(posixpath.dirname(target), said))
        if target not in listed or target in seen:
            return Entry(mode=LINK, blob=listed[path].blob)
        seen.add(target)
    return listed[target]


def require_plain(entries: Mapping[str, Entry]) -> None:
    """Raise ToolError for what a copied tree cannot hold: links out of it, submodules, names that collide."""
    for path, entry in entries.items():
        if printable(path) != path:
            raise ToolError(
                f"The name of upstream's {path} is not UTF-8.",
                why="A wheel and a manifest name their files in UTF-8.",
                fix="Rename it, or leave it out in vendor/sync.toml.",
            )
        if entry.mode == LINK:
            raise ToolError(
                f"Upstream's {path} is a symbolic link that does not lead to one of its files.",
                why="A wheel and a Windows checkout have no links, so what it leads to would have to be copied.",
                fix="Leave it out in vendor/sync.toml.",
            )
        if entry.mode == SUBMODULE:
            raise ToolError(f"Upstream's {path} is a submodule.", fix="Leave it out in vendor/sync.toml.")
    _refuse_collisions(entries)


def _refuse_collisions(entries: Mapping[str, Entry]) -> None:
    seen: dict[str, str] = {}
    for path in entries:
        for name in (path, *_parents(path)):
            kind = "file" if name == path else "folder"
            known = seen.setdefault(unicodedata.normalize("NFC", name.casefold()), f"{name} ({kind})")
            if known != f"{name} ({kind})":
                raise ToolError(
                    f"{known} and {name} ({kind}) would be one on a system that ignores case.",
                    why="Windows and macOS do, and macOS composes accents; the source would come out wrong there.",
                    fix="Leave one of them out in vendor/sync.toml.",
                )


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path
