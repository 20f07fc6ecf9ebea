"""The folder with all files: bounded, private, the oldest go first.

Several servers may have the same one: files appear under their names when they are complete, each server looks whether
there are new ones, and a file that is gone is one that was not found.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from llamapack.server.prompt_cache.entries import (
    ABOUT,
    OURS,
    STATE,
    UNFINISHED,
    Entry,
    read_entry,
    remove_entry,
    write_entry,
)
from llamapack.server.prompt_cache.prefixes import Prefix

logger = logging.getLogger("llamapack.server")
_KEY = re.compile(r"[0-9a-f]{32}")
_LEFT_SECONDS = 3600.0
"""Files that are incomplete so long were left by a process that ended."""


class Store:
    """All files of a cache, of all models."""

    def __init__(self, root: Path, most_bytes: int) -> None:
        """Take the folder, which need not be there; it may have so many bytes."""
        self.root = root
        self.most_bytes = most_bytes

    def of_model(self, key: str) -> ModelFiles:
        """Return the files of one model. Raises OSError if there can be none, or others could change them."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self.root / key
        folder.mkdir(mode=0o700, exist_ok=True)
        _check_private(folder)
        folder = folder.resolve()
        probe = folder / f"{secrets.token_hex(16)}{UNFINISHED}"
        probe.touch()
        probe.unlink()
        return ModelFiles(folder, self)

    def size(self) -> int:
        """Return how many bytes all files have."""
        return sum(about.st_size for _, about in self._files())

    def trim(self) -> None:
        """Remove the files that were not used longest until the others are no more than they may be."""
        self._remove_left()
        files = sorted(self._files(), key=lambda found: found[1].st_mtime)
        sizes = {path: about.st_size for path, about in files}
        total = sum(sizes.values())
        for path in sizes:
            if total <= self.most_bytes:
                break
            if path.suffix == STATE:
                with contextlib.suppress(OSError):
                    remove_entry(path.parent, path.stem)
                total -= sizes[path] + sizes.get(path.with_suffix(ABOUT), 0)

    def _remove_left(self) -> None:
        """Remove what was never completed."""
        before = time.time() - _LEFT_SECONDS
        for path, about in self._files():
            complete = path.with_suffix(ABOUT).exists() and path.with_suffix(STATE).exists()
            if not complete and about.st_mtime < before:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        with contextlib.suppress(OSError):
            folders = [each for each in self.root.iterdir() if _KEY.fullmatch(each.name)]
            for path in (file for folder in folders for file in _listed(folder) if OURS.fullmatch(file.name)):
                with contextlib.suppress(OSError):
                    yield path, path.lstat()


class ModelFiles:
    """The files of one model, with one build of llama.cpp and the same options."""

    def __init__(self, folder: Path, store: Store) -> None:
        """Take a folder that is there."""
        self.folder = folder
        self._store = store
        self._entries: dict[str, Entry] = {}
        self._looked = 0

    def entries(self) -> list[Entry]:
        """Return what there is now."""
        with contextlib.suppress(OSError):
            changed = self.folder.stat().st_mtime_ns
            if changed != self._looked:
                self._looked = changed
                self._read()
        return list(self._entries.values())

    def best(self, prefix: Prefix) -> tuple[Entry, int] | None:
        """Return the file that has most of a prompt, and how many bytes; of equal ones, the smallest."""
        found = [(entry, prefix.shared(entry.chain)) for entry in self.entries()]
        found = [(entry, shared) for entry, shared in found if shared]
        return max(found, key=lambda each: (each[1], -each[0].size), default=None)

    def add(self, name: str, prefix: Prefix, tokens: int) -> Entry:
        """Take a file that was written, and remove those that are beginnings of it, or too much. Raises OSError."""
        entry = write_entry(self.folder, name, prefix, tokens)
        for other in self.entries():
            if other.name != name and prefix.begins_with(other.chain):
                self.discard(other)
        self._store.trim()
        return entry

    def touch(self, entry: Entry) -> None:
        """Note that a file is used."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / entry.file)

    def discard(self, entry: Entry) -> None:
        """Remove a file."""
        self._entries.pop(entry.name, None)
        with contextlib.suppress(OSError):
            remove_entry(self.folder, entry.name)

    def discard_unfinished(self, name: str) -> None:
        """Remove a file that was not completed; none that was."""
        with contextlib.suppress(OSError):
            (self.folder / (name + UNFINISHED)).unlink(missing_ok=True)

    def _read(self) -> None:
        names = {path.stem: path for path in _listed(self.folder) if OURS.fullmatch(path.name) and path.suffix == ABOUT}
        self._entries = {name: entry for name, entry in self._entries.items() if name in names}
        for name in names.keys() - self._entries.keys():
            try:
                self._entries[name] = read_entry(names[name])
            except FileNotFoundError:
                continue  # another server has just removed it
            except (OSError, ValueError) as error:
                logger.warning("a file of the prompt cache is damaged, and removed: %s.json: %s", name, error)
                with contextlib.suppress(OSError):
                    remove_entry(self.folder, name)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _check_private(folder: Path) -> None:
    """Refuse a folder in which others could put files: llama.cpp reads them, and they hold prompts."""
    if sys.platform == "win32":
        return
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a folder that only this user can read and write")
