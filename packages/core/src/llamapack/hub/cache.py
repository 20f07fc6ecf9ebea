"""The cache that is shared with Hugging Face's programs and with llama.cpp.

A repository is a folder `models--org--repo`: the contents of files are `blobs/CHECKSUM`, `snapshots/COMMIT/FILE` are
links to them, `refs/main` has the commit, and `trees/COMMIT.json` is what huggingface_hub keeps of the list of files.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from llamapack.hub.listing import Listing, RepositoryFile
from llamapack.hub.locks import locked
from llamapack.hub.references import is_safe

COMMIT = re.compile(r"[0-9a-f]{40}")
BLOB = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_TREE_VERSION = 1


def stores(root: Path) -> Iterator[Store]:
    """Yield the repositories of models in the cache at `root`."""
    for path in sorted(root.glob("models--*--*")):
        repository = path.name.removeprefix("models--").replace("--", "/")
        if path.is_dir() and repository.count("/") == 1:
            yield Store(root=root, repository=repository)


@dataclass(frozen=True, kw_only=True)
class Store:
    """The folder of one repository in the cache at `root`."""

    root: Path
    repository: str

    @property
    def folder(self) -> Path:
        """The repository's own folder."""
        return self.root / self._name

    @property
    def _name(self) -> str:
        return "models--" + self.repository.replace("/", "--")

    def blob(self, file: RepositoryFile) -> Path:
        """Return where the contents of a file are."""
        return self.folder / "blobs" / file.blob

    def lock(self, file: RepositoryFile) -> Path:
        """Return the file that huggingface_hub locks while it downloads this one."""
        return self.lock_of(file.blob)

    def lock_of(self, blob: str) -> Path:
        """Return the same for contents by their name."""
        return self.root / ".locks" / self._name / f"{blob}.lock"

    def pointer(self, commit: str, path: str) -> Path:
        """Return where a file is at a commit."""
        return self.folder / "snapshots" / commit / path

    def has(self, commit: str, file: RepositoryFile) -> bool:
        """Return True if a file is here, whole."""
        try:
            return self.pointer(commit, file.path).stat().st_size == file.size
        except OSError:
            return False

    def commit_of(self, revision: str) -> str | None:
        """Return the commit that a revision was, when it was last asked for."""
        if COMMIT.fullmatch(revision):
            return revision
        with contextlib.suppress(OSError, UnicodeDecodeError):
            commit = (self.folder / "refs" / revision).read_text(encoding="utf-8").strip()
            return commit if COMMIT.fullmatch(commit) else None
        return None

    def commits(self) -> list[str]:
        """Return the commits of which files are here."""
        return sorted(path.name for path in (self.folder / "snapshots").glob("*") if COMMIT.fullmatch(path.name))

    def revisions(self, commit: str) -> list[str]:
        """Return the revisions that were this commit when they were last asked for."""
        refs = self.folder / "refs"
        names = (path.relative_to(refs).as_posix() for path in refs.rglob("*") if path.is_file())
        return sorted(name for name in names if self.commit_of(name) == commit)

    def write_ref(self, revision: str, commit: str) -> None:
        """Remember the commit of a revision."""
        if revision != commit and self.commit_of(revision) != commit:
            self._write(self.folder / "refs" / revision, commit)

    def listing(self, commit: str) -> Listing | None:
        """Return the files of a commit, if they were listed before."""
        try:
            tree = json.loads((self.folder / "trees" / f"{commit}.json").read_text(encoding="utf-8"))
            if tree["format_version"] != _TREE_VERSION:
                return None
            files = tuple(_from_tree(path, entry) for path, entry in tree["files"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return Listing(repository=self.repository, commit=commit, files=files)

    def write_listing(self, listing: Listing) -> None:
        """Keep the list of a commit's files, in huggingface_hub's form."""
        if self.listing(listing.commit) is not None:
            return
        files = {file.path: _to_tree(file) for file in sorted(listing.files, key=lambda file: file.path)}
        text = json.dumps({"format_version": _TREE_VERSION, "files": files}, indent=1)
        self._write(self.folder / "trees" / f"{listing.commit}.json", text)

    def _write(self, path: Path, text: str) -> None:
        """Write a file beside its place and move it there; one that a kill left is overwritten by the next."""
        with locked(self.root / ".locks" / self._name / "llamapack.lock"):
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f"{path.name}.tmp")
            new.write_text(text, encoding="utf-8", newline="\n")
            with contextlib.suppress(FileNotFoundError):  # without locks, another process may have been faster
                new.replace(path)

    def present(self, commit: str) -> Listing:
        """Return the GGUF files of a commit that are here."""
        snapshot = self.pointer(commit, "")
        files = []
        for path in sorted(snapshot.rglob("*.gguf")):
            name = path.relative_to(snapshot).as_posix()
            if is_safe(name) and path.is_file():
                blob = Path(os.path.realpath(path)).name
                files.append(RepositoryFile(path=name, size=path.stat().st_size, blob=blob))
        return Listing(repository=self.repository, commit=commit, files=tuple(files))

    def link(self, commit: str, file: RepositoryFile) -> None:
        """Put a file whose contents are here into its place; where links are not allowed, its contents move there."""
        blob, pointer = self.blob(file), self.pointer(commit, file.path)
        if pointer.exists():
            return
        pointer.parent.mkdir(parents=True, exist_ok=True)
        target = os.path.relpath(blob, pointer.parent)
        try:
            if pointer.is_symlink():  # to what is no longer there
                pointer.unlink()
            pointer.symlink_to(target)
        except FileExistsError:
            return
        except (OSError, NotImplementedError):
            blob.replace(pointer)


def _from_tree(path: str, entry: Mapping[str, object]) -> RepositoryFile:
    size, git, sha256, xet = (entry.get(key) for key in ("size", "blob_id", "lfs_sha256", "xet_hash"))
    blob = sha256 or git
    if not (isinstance(size, int) and isinstance(blob, str) and isinstance(git, str) and BLOB.fullmatch(blob)):
        raise ValueError(path)
    return RepositoryFile(path=path, size=size, blob=blob, git=git, xet=xet if isinstance(xet, str) else None)


def _to_tree(file: RepositoryFile) -> dict[str, object]:
    entry: dict[str, object] = {"size": file.size, "blob_id": file.git or file.blob}
    if len(file.blob) == 64:
        entry |= {"lfs_sha256": file.blob, "lfs_size": file.size}
    return entry | ({"xet_hash": file.xet} if file.xet else {})
