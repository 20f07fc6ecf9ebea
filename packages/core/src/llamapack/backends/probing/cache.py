"""Files that remember between processes what child processes found out: one small JSON file for each outcome.

A file is named by a checksum of its key, which is everything that the outcome depends on, and it holds the key too. It
is written elsewhere and moved into place, so a reader sees a whole file or none. A file that cannot be read counts as
missing, and a folder that cannot be written costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from llamapack._util.user_folders import cache_folder, prune, replace_file
from llamapack.backends.children.processes import is_child
from llamapack.backends.probing.fingerprint import Key, file_mark

FORMAT = 2
MOST_FILES = 200


def verdicts_folder() -> Path | None:
    """Return the folder of these files; None if there is no home."""
    return cache_folder("verdicts")


@dataclass(frozen=True, kw_only=True)
class Cached:
    """What a file remembers, and how many seconds ago it was written."""

    content: Any
    age: float


@dataclass(frozen=True, kw_only=True)
class CacheFile:
    """The file that remembers the outcome which depends on `key`; `path` is None if there is no folder for it."""

    path: Path | None
    key: Key

    @classmethod
    def of(cls, name: str, key: Key, folder: Path | None) -> CacheFile:
        """Return the file in `folder`; `name` is the beginning of its name, for people."""
        text = json.dumps([FORMAT, key], sort_keys=True).encode()
        digest = f"{zlib.crc32(text):08x}"  # quick to import; who reads the file compares the whole key
        return cls(path=folder / f"{name}-{digest}.json" if folder else None, key=key)

    def read(self) -> Cached | None:
        """Return what is remembered; None if there is nothing, or if the key or one of the files has changed."""
        if self.path is None:
            return None
        try:
            data = json.loads(self.path.read_bytes())
            if data["key"] != self.key or any(file_mark(mark[0]) != mark for mark in data["files"]):
                return None
            return Cached(content=data["content"], age=time.time() - data["made"])
        except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
            return None

    def write(self, content: Any, files: Iterable[Path | str]) -> None:
        """Remember `content` for as long as `files` stay as they are; does nothing if it cannot be written."""
        if self.path is None:
            return
        marks = [file_mark(path) for path in files]
        data = {"content": content, "key": self.key, "files": marks, "made": time.time()}
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, json.dumps(data).encode())
            prune(self.path.parent, MOST_FILES)  # each driver, boot and environment makes new ones

    @contextlib.contextmanager
    def locked(self, deadline: float) -> Iterator[None]:
        """Wait for another process that finds out the same, until `deadline` (time.monotonic) at most.

        Works without a lock too.
        """
        file = self._lock_file()
        if file is None:
            yield
            return
        with file:
            while not _try_lock(file) and time.monotonic() < deadline:
                time.sleep(0.02)
            yield

    def _lock_file(self) -> IO[bytes] | None:
        if self.path is None:
            return None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.with_suffix(".lock").open("ab")
        except OSError:
            return None


_Subject = TypeVar("_Subject")
_Outcome = TypeVar("_Outcome")
_File = TypeVar("_File", bound=CacheFile)


def recall_or_learn(
    files: Mapping[_Subject, _File],
    read: Callable[[_Subject, _File], _Outcome | None],
    learn: Callable[[Sequence[_Subject]], Mapping[_Subject, _Outcome]],
    *,
    mode: str,
    seconds: float,
) -> dict[_Subject, _Outcome]:
    """Return the outcome for each subject: what `read` takes from its file, and what `learn` finds out of the rest.

    `mode` is one of `options.MODES`: "always" reads nothing, and "never" leaves out what is not remembered. `learn`
    takes `seconds` at most. Of several processes that want to know the same, one learns and the others wait that long.
    A child does not wait: the process that asks it has the lock.
    """
    if mode == "always":
        return dict(learn(tuple(files)))
    known = _read_all(files, read)
    if mode == "never" or len(known) == len(files):
        return known
    deadline = 0.0 if is_child() else time.monotonic() + seconds + 5
    unknown = {subject: file for subject, file in files.items() if subject not in known}
    with contextlib.ExitStack() as stack:
        for file in sorted(
            unknown.values(), key=lambda file: str(file.path)
        ):  # one order, so that none waits in a ring
            stack.enter_context(file.locked(deadline))
        known |= _read_all(unknown, read)
        if missing := [subject for subject in unknown if subject not in known]:
            known |= learn(missing)
    return known


def _read_all(
    files: Mapping[_Subject, _File], read: Callable[[_Subject, _File], _Outcome | None]
) -> dict[_Subject, _Outcome]:
    """Return the outcomes that are remembered."""
    outcomes = ((subject, read(subject, file)) for subject, file in files.items())
    return {subject: outcome for subject, outcome in outcomes if outcome is not None}


def _try_lock(file: IO[bytes]) -> bool:
    """Take the lock, which ends with the file or the process; return False if another process has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True
