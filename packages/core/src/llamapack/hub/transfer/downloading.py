"""Download one file: resumed where an earlier attempt ended, checked, and moved into its place when it is whole."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import urllib.error
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llamapack.errors import DownloadError
from llamapack.hub.choosing import shown_size
from llamapack.hub.progress import Progress
from llamapack.hub.transfer.explaining import explained
from llamapack.hub.transfer.partial import Partial, checksum
from llamapack.hub.transfer.transport import BrokenError, Transport

_STEP = 1 << 18
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_LENGTH = re.compile(r"[0-9]{1,18}")
_KEPT = "What is here already is kept: the next attempt goes on from there."


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file of a server: what to call it, and its checksum, a SHA-256 or git's SHA-1; `size` may be unknown."""

    name: str
    url: str
    digest: str
    size: int | None = None


def partial_path(place: Path) -> Path:
    """Return where a file is while it is not whole; huggingface_hub before 2.0 has the same name and form."""
    return place.with_name(f"{place.name}.incomplete")


def bytes_here(place: Path) -> int:
    """Return how many bytes of a file are here."""
    for path in (place, partial_path(place)):
        if path.is_file():
            return path.stat().st_size
    return 0


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise DownloadError if the disk of `folder` has no room for `needed` bytes."""
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if needed > free:
        raise DownloadError(
            f"There is no room for {what}: {shown_size(needed)} are to be written, and {shown_size(free)} are free.",
            why=f"They would go to {folder}.",
            fix="Free some of the disk, name a smaller quantization, or set HF_HUB_CACHE to a folder on another disk.",
        )


def download(
    source: Source, place: Path, transport: Transport, progress: Progress | None = None, *, alone: bool = True
) -> None:
    """Make `place` hold the file, if it does not; `alone` says that no other process does the same.

    Raises DownloadError; what was received is kept, unless it is wrong.
    """
    if place.is_file():
        return
    path = partial_path(place)
    partial = Partial(path if alone else path.with_name(f"{path.name}-unlocked"), source.digest, source.size)
    try:
        _fill(source, partial, transport, progress)
        partial.move(place)
    finally:
        partial.close()


def verify(source: Source, place: Path) -> None:
    """Read what another program has downloaded; what is wrong is deleted, and a DownloadError."""
    found = checksum(place, source.digest)
    if found != source.digest:
        Path(os.path.realpath(place)).unlink(missing_ok=True)
        place.unlink(missing_ok=True)
        raise _wrong(source, found)


def _fill(source: Source, partial: Partial, transport: Transport, progress: Progress | None) -> None:
    try:
        transport.repeat(lambda: _attempt(source, partial, transport, progress), lambda: partial.done)
    except (BrokenError, urllib.error.HTTPError, urllib.error.URLError) as error:
        raise explained(error, source.name, kept=_KEPT if partial.done else "") from error
    if partial.found() == source.digest:
        return
    if partial.resumed:  # what an earlier attempt left may have been wrong
        partial.restart()
        _fill(source, partial, transport, progress)
        return
    found = partial.found()
    partial.remove()
    raise _wrong(source, found)


def _wrong(source: Source, found: str) -> DownloadError:
    return DownloadError(
        f"{source.name} is not what it should be, and was deleted.",
        why=f"Its checksum is {found}, not {source.digest}.",
        fix="Try again. If it stays so, the server or something before it changes files.",
    )


def _attempt(source: Source, partial: Partial, transport: Transport, progress: Progress | None) -> None:
    if partial.size is not None and partial.done == partial.size:
        _tell(source, partial, progress)
        return
    headers = {"Range": f"bytes={partial.done}-"} if partial.done else {}
    try:
        with transport.get(source.url, headers) as answer:
            _check_length(answer, source, partial)
            _tell(source, partial, progress)
            _receive(answer, source, partial, progress)
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not partial.done:
            raise
        if source.size is not None:  # the server has less than it said
            partial.restart()
            raise BrokenError("the server has no such part of the file") from error
        partial.size = partial.done  # all of it is here, or its checksum is wrong


def _check_length(answer: http.client.HTTPResponse, source: Source, partial: Partial) -> None:
    """Take the size from an answer; begin again if it has all of the file, and not the rest that was asked for."""
    if answer.status == http.client.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(answer.getheader("Content-Range") or "")
        if not found or int(found[1]) != partial.done:
            raise BrokenError("the server sent another part of the file than was asked for")
        size: int | None = int(found[3])
    else:
        if partial.done:
            partial.restart()
        length = _LENGTH.fullmatch(answer.getheader("Content-Length") or "")
        size = int(length[0]) if length else None
    if source.size is not None and size is not None and size != source.size:
        raise BrokenError(f"the server's file has {size} bytes, not {source.size}")
    if source.size is None and size is not None:
        if partial.size is None:
            check_space(partial.path.parent, size - partial.done, source.name)
        partial.size = size


def _receive(answer: http.client.HTTPResponse, source: Source, partial: Partial, progress: Progress | None) -> None:
    while partial.size is None or partial.done < partial.size:
        most = _STEP if partial.size is None else min(_STEP, partial.size - partial.done)
        data = answer.read1(most)
        if not data:
            break
        partial.add(data)
        _tell(source, partial, progress)
    if partial.size is not None and partial.done < partial.size:
        raise BrokenError(f"the connection ended after {partial.done} of {partial.size} bytes")


def _tell(source: Source, partial: Partial, progress: Progress | None) -> None:
    if progress is not None:
        progress(source.name, partial.done, partial.size or partial.done)


def total_missing(places: Sequence[tuple[Path, int]]) -> int:
    """Return how many bytes of files of these sizes are not here."""
    return sum(max(0, size - bytes_here(place)) for place, size in places)
