"""Find conflict markers that were left in files: all three, or what is left of them after half a resolution.

Only lines that are new count, so that a file with such lines of its own can be changed. A patch that adds them on
purpose says so in its message: `Conflict markers belong to: FILE`.
"""

from __future__ import annotations

import re
from collections import Counter

from tools.git.patch import Patch
from tools.git.repository import Git
from tools.git.snapshot import changed_blobs

HEADER = "Conflict markers belong to"
_MARKER = re.compile(rb"^(?:(?:<{7}|>{7}|\|{7})(?: .*)?|={7})\r?$", re.MULTILINE)


def marked_files(git: Git, old: str, new: str, patch: Patch | None = None) -> tuple[str, ...]:
    """Return the files of the tree `new` with conflict markers that neither the tree `old` nor `patch` has."""
    changed = {path: ids for path, ids in changed_blobs(git, old, new).items() if ids[1]}
    blobs = git.blobs([blob for ids in changed.values() for blob in ids if blob])
    own = _markers(_lines(patch.content, b"+")) if patch else Counter[bytes]()
    marked: list[str] = []
    for path, ids in changed.items():
        before = _markers(next(blobs)) if ids[0] else Counter[bytes]()
        if _markers(next(blobs)) - before - own:
            marked.append(path)
    return tuple(marked)


def marked_by(patch: Patch) -> tuple[str, ...]:
    """Return the files to which `patch` adds conflict markers, without those that its message names."""
    marked: list[str] = []
    for part in re.split(rb"^diff --git ", patch.content, flags=re.MULTILINE)[1:]:
        if _markers(_lines(part, b"+")) - _markers(_lines(part, b"-")):
            marked += Patch(name=patch.name, content=b"diff --git " + part).files
    return tuple(sorted(set(marked) - set(files_with_own_markers(patch.message))))


def files_with_own_markers(messages: str) -> tuple[str, ...]:
    """Return the files that commit messages name as ones to which conflict markers belong."""
    return tuple(re.findall(rf"^{HEADER}: (.+)$", messages, re.MULTILINE))


def _lines(diff: bytes, sign: bytes) -> bytes:
    return b"\n".join(line[1:] for line in diff.split(b"\n") if line.startswith(sign))


def _markers(content: bytes) -> Counter[bytes]:
    return Counter(line.rstrip(b"\r") for line in _MARKER.findall(content))
