"""List the libraries that a library needs and that this system does not have, by following the import tables.

The system's own error message names only the first one, and on Windows none.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from llamapack.backends.host.binaries import read_library
from llamapack.backends.host.binaries.library import SharedLibrary, read_text

_SYSTEM_FOLDERS = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib")
_CACHE_MAGIC = b"glibc-ld.so.cache1.1"


@dataclass(frozen=True, kw_only=True)
class MissingLibrary:
    """A library that is needed but not found."""

    name: str
    needed_by: Path


def missing_libraries(
    path: Path, beside: Sequence[Path] = (), provided: Collection[str] = ()
) -> tuple[MissingLibrary, ...]:
    """List the missing libraries of the one at `path` and of those that it needs; empty if the format is not read here.

    `beside` are folders searched as well, `provided` the names of libraries that are loaded by then. Raises OSError
    or ValueError if `path` itself cannot be read.
    """
    first = read_library(path)
    if first is None:
        return ()
    found, seen, queue = [], {name.lower() for name in provided}, [(path, first, tuple(beside))]
    while queue:
        owner, library, inherited = queue.pop(0)
        folders = [*inherited, *_run_path(owner, library)]
        for name in library.needed:
            if name.lower() in seen or _is_virtual(name):
                continue
            seen.add(name.lower())
            place = _find(name, owner, library, folders)
            if place is None:
                found.append(MissingLibrary(name=name, needed_by=owner))
            elif not _is_system(place) and (needed := _read(place)) is not None:
                queue.append((place, needed, tuple(folders) if library.inherited else tuple(beside)))
    return tuple(found)


def find_library(name: str, asker: Path) -> Path | None:
    """Return where the system finds the library `name` that the one at `asker` needs, or None.

    Raises OSError or ValueError if `asker` cannot be read.
    """
    library = read_library(asker)
    return _find(name, asker, library, _run_path(asker, library)) if library else None


def _run_path(owner: Path, library: SharedLibrary) -> list[Path]:
    origin = str(owner.resolve().parent)
    return [Path(text.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)) for text in library.search]


def _find(name: str, owner: Path, library: SharedLibrary, folders: Sequence[Path]) -> Path | None:
    if "/" in name:
        return Path(name) if Path(name).is_file() else None
    return next((place for place in _places(name, owner, folders) if _fits(place, library)), None)


def _places(name: str, owner: Path, folders: Sequence[Path]) -> Iterator[Path]:
    yield from (folder / name for folder in folders)
    if name.lower().endswith(".dll"):
        root = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"))
        for folder in (owner.parent, root / "System32", root, *_path_list("PATH")):
            yield folder / name
    else:
        yield from (folder / name for folder in _path_list("LD_LIBRARY_PATH"))
        yield from (Path(place) for known, place in linker_cache() if known == name)
        yield from (Path(folder) / name for folder in _SYSTEM_FOLDERS)


def _fits(place: Path, library: SharedLibrary) -> bool:
    found = _read(place)
    return found is not None and (found.machine, found.bits) == (library.machine, library.bits)


@lru_cache(maxsize=512)
def _read(place: Path) -> SharedLibrary | None:
    try:
        return read_library(place)
    except (OSError, ValueError):
        return None


def _is_virtual(name: str) -> bool:
    """Return whether Windows provides `name` without a file of that name (an API set)."""
    return name.lower().startswith(("api-ms-", "ext-ms-"))


def _is_system(place: Path) -> bool:
    """Return whether `place` belongs to Windows, whose own libraries are assumed to be complete."""
    return sys.platform == "win32" and "system32" in (part.lower() for part in place.parts)


def _path_list(variable: str) -> list[Path]:
    return [Path(folder) for folder in os.environ.get(variable, "").split(os.pathsep) if folder]


@lru_cache(maxsize=1)
def linker_cache(path: Path = Path("/etc/ld.so.cache")) -> tuple[tuple[str, str], ...]:
    """Read glibc's cache of libraries: pairs of name and path, in its order; empty if there is none."""
    try:
        data = path.read_bytes()
    except OSError:
        return ()
    start = data.find(_CACHE_MAGIC)
    if start < 0:
        return ()
    pairs = []
    try:
        (count,) = struct.unpack_from("=I", data, start + len(_CACHE_MAGIC))
        for index in range(count):
            name, place = struct.unpack_from("=4xII12x", data, start + 48 + 24 * index)
            pairs.append((read_text(data, start + name), read_text(data, start + place)))
    except (struct.error, IndexError):
        return ()
    return tuple(pairs)
