"""A file that is not whole yet: `NAME.incomplete` beside its place, which another attempt or process goes on with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_STEP = 1 << 20
SHA1_DIGITS = 40


class Partial:
    """A file that grows, and the checksum of what it has."""

    def __init__(self, path: Path, digest: str, size: int | None) -> None:
        """Open the file at `path`, which is to have `size` bytes, if that is known, and the checksum `digest`."""
        self.path = path
        self.digest = digest
        self.size = size
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("r+b" if path.exists() else "x+b", buffering=0)
        self.done = os.fstat(self._file.fileno()).st_size
        self.resumed = bool(self.done)
        if size is not None and self.done > size:
            self.restart()
        else:
            self._hash = self._new_hash()
            self._read_again()

    def add(self, data: bytes) -> None:
        """Write more at the end."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._hash.update(data)
        self.done += len(data)

    def restart(self) -> None:
        """Drop all that is there."""
        self._file.seek(0)
        self._file.truncate(0)
        self.done, self.resumed = 0, False
        self._hash = self._new_hash()

    def found(self) -> str:
        """Return the checksum of what is there."""
        return self._hash.hexdigest()

    def move(self, place: Path) -> None:
        """Put the whole file into its place."""
        os.fsync(self._file.fileno())
        self._file.close()
        self.path.replace(place)

    def remove(self) -> None:
        """Close and delete the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; it stays for the next attempt, if there is anything in it."""
        if self._file.closed:
            return
        self._file.close()
        if not self.done:
            self.path.unlink(missing_ok=True)

    def _new_hash(self) -> hashlib._Hash:
        return _hash(self.digest, self.size or 0)

    def _read_again(self) -> None:
        _read(self._file, self._hash)


def checksum(path: Path, like: str) -> str:
    """Return the checksum of a file, of the kind that `like` is."""
    with path.open("rb", buffering=0) as file:
        found = _hash(like, os.fstat(file.fileno()).st_size)
        _read(file, found)
    return found.hexdigest()


def _hash(like: str, size: int) -> hashlib._Hash:
    if len(like) != SHA1_DIGITS:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)  # as git names contents


def _read(file: BinaryIO, into: hashlib._Hash) -> None:
    read: Callable[[], bytes] = lambda: file.read(_STEP)  # noqa: E731  # for iter
    for piece in iter(read, b""):
        into.update(piece)
