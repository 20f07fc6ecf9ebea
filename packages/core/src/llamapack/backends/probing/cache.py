"""Remember verdicts between processes: one small JSON file for each, named by a checksum of what it depends on.

A file is written elsewhere and moved into place, so a reader sees a whole one or none. What cannot be read is as if it
were not there, and a folder that cannot be written changes nothing but the time.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from llamapack.backends.contract import BackendPlugin
from llamapack.backends.probing.fingerprint import Marks, file_mark
from llamapack.backends.verdicts import Fault, Status, Verdict, from_data, to_data

VARIABLE = "LLAMAPACK_CACHE_DIR"
FORMAT = 1
MOST_FILES = 200
# What failed may have failed by chance: memory, a driver that was being updated, a busy machine.
SECONDS_FOR_FAILURES = 3600.0
SECONDS_FOR_TIMEOUTS = 600.0  # shaders that were compiled so far are kept by the driver: the next try takes less
SECONDS_WITHOUT_BOOT_ID = 86400.0


def cache_folder() -> Path | None:
    """Return the folder of the verdicts: in LLAMAPACK_CACHE_DIR or the system's caches; None without a home."""
    if named := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(named)).absolute() / "verdicts"  # noqa: PTH111  # Path's raises for ~nobody
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
    elif sys.platform == "darwin":
        base = home / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base.absolute() / "llamapack" / "verdicts"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Where the verdict that depends on `marks` is kept; without a folder it is kept nowhere."""

    path: Path | None
    marks: Marks

    @classmethod
    def of(cls, name: str, marks: Marks, folder: Path | None) -> Slot:
        """Return the slot for the verdict on the backend `name`."""
        text = json.dumps([FORMAT, marks], sort_keys=True).encode()
        digest = f"{zlib.crc32(text):08x}"  # quick to import; who reads the file compares all of the marks
        return cls(path=folder / f"{name}-{digest}.json" if folder else None, marks=marks)

    def read(self, plugin: BackendPlugin | None) -> Verdict | None:
        """Return the verdict that is kept, or None where there is none that still counts."""
        if self.path is None:
            return None
        try:
            data = json.loads(self.path.read_bytes())
            verdict = from_data(data["verdict"], plugin, cached=True)
            if data["marks"] != self.marks or self._is_too_old(verdict, time.time() - data["made"]):
                return None
            same = all(file_mark(mark[0]) == mark for mark in data["libraries"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return verdict if same else None

    def _is_too_old(self, verdict: Verdict, age: float) -> bool:
        if verdict.status is not Status.USABLE:
            longest = SECONDS_FOR_TIMEOUTS if verdict.fault is Fault.TIMEOUT else SECONDS_FOR_FAILURES
            return not 0 <= age < longest
        return self.marks.get("boot") == "" and not 0 <= age < SECONDS_WITHOUT_BOOT_ID

    def write(self, verdict: Verdict) -> None:
        """Keep the verdict; does nothing where that is not possible, or where the probe could not even start."""
        if self.path is None or verdict.fault in (Fault.NO_PYTHON, Fault.NOT_ASKED):
            return
        data = {
            "verdict": to_data(verdict),
            "marks": self.marks,
            "libraries": [file_mark(path) for path in verdict.libraries],
            "made": time.time(),
        }
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, json.dumps(data).encode())
            _prune(self.path.parent)

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


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f".new-{os.getpid()}-{os.urandom(8).hex()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def _prune(folder: Path) -> None:
    """Remove the oldest files once there are many: each driver, boot and environment makes new ones."""
    files: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            files.append((path.stat().st_mtime, path))
    for _, path in sorted(files)[: max(0, len(files) - MOST_FILES)]:
        with contextlib.suppress(OSError):
            path.unlink()


def forget(folder: Path | None = None) -> int:
    """Remove every verdict that is kept, and return how many there were."""
    folder = folder or cache_folder()
    count = 0
    for path in folder.glob("*.json") if folder else ():
        with contextlib.suppress(OSError):
            path.unlink()
            count += 1
    return count
