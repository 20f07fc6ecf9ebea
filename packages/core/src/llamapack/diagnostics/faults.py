"""What made models of a server end, or not load: kept in files, so that the doctor can tell of it later.

Each fault is a small file of its own, in a folder of the caches; the newest are kept. No prompt is in them.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from llamapack._util.user_folders import cache_folder, prune, replace_file

_MOST = 20
_LONGEST = 4000  # characters of a reason


@dataclass(frozen=True, kw_only=True)
class RecordedFault:
    """What happened to a model of a server. `time` is in UTC, and `kind` one of those that serve.md lists."""

    time: str
    model: str
    kind: str
    what: str
    why: str


def record_fault(model: str, kind: str, what: str, why: str) -> None:
    """Keep a fault; where the folder cannot be written, nothing is kept."""
    folder = cache_folder("faults")
    if folder is None:
        return
    now = datetime.now(timezone.utc)
    fault = RecordedFault(
        time=now.isoformat(timespec="seconds"), model=model, kind=kind, what=what, why=why[-_LONGEST:]
    )
    name = f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(folder / f"{name}.json", json.dumps(asdict(fault), indent=2).encode())
        prune(folder, _MOST)


def recorded_faults() -> list[RecordedFault]:
    """Return the faults that are kept, the newest first."""
    folder = cache_folder("faults")
    if folder is None or not folder.is_dir():
        return []
    return list(_read(folder))


def _read(folder: Path) -> Iterator[RecordedFault]:
    for path in sorted(folder.glob("*.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError, TypeError):
            yield RecordedFault(**json.loads(path.read_text(encoding="utf-8")))
