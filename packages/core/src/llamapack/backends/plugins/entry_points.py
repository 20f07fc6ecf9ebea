"""Find the entry points of installed packages, without importlib.metadata if that can be avoided.

Importing importlib.metadata and asking it takes longer than everything else that happens before a model is loaded, and
most installations have no plug-in. So the folders of `sys.path` are read here, in their order: an entry point is a line
of `entry_points.txt` in a folder `<name>-<version>.dist-info`. What else can hold packages (zip files, finders of other
tools) is asked through importlib.metadata.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

GROUP = "llamapack.backends"


@dataclass(frozen=True, kw_only=True)
class EntryPoint:
    """One line of a package's entry points."""

    name: str
    value: str  # "module:attribute"
    package: str
    version: str
    folder: str = ""  # of the package's metadata, as `…/site-packages/NAME-VERSION.dist-info`


def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """List the entry points of `group`, in the order of `sys.path`; of two versions of a package, the first is used."""
    if _folders_are_all():
        return tuple(dict.fromkeys(_read_entry_points(group)))
    return tuple(dict.fromkeys(_ask_importlib(group)))


@lru_cache(maxsize=1)
def installed_plugins() -> tuple[EntryPoint, ...]:
    """Return the entry points of the plug-ins; looked up once, because a process keeps the backends that it loaded."""
    return entry_points(GROUP)


@lru_cache(maxsize=1)
def core_version() -> str:
    """Return the version of this llamapack; "unknown" if it is not an installed package."""
    beside = str(Path(__file__).resolve().parents[3])
    found = next((package.version for package in _packages([beside]) if package.name == "llamapack"), None)
    return found or package_version("llamapack") or "unknown"


def package_version(package: str) -> str | None:
    """Return the version of the installed `package`, or None if there is none."""
    if _folders_are_all():
        wanted = normalize(package)
        return next((found.version for found in _packages(search_path()) if found.name == wanted), None)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, kw_only=True)
class _Package:
    name: str
    version: str
    folder: str


def search_path() -> list[str]:
    """Return the entries of `sys.path` that Python itself looks at: those that are texts."""
    entries: list[object] = [*sys.path]
    return [entry for entry in entries if isinstance(entry, str)]


def _packages(folders: Iterable[str]) -> Iterator[_Package]:
    seen: set[str] = set()
    for folder in dict.fromkeys(entry or "." for entry in folders):
        try:
            names = sorted(filter(_is_metadata, os.listdir(folder)))  # noqa: PTH208  # a Path for each file is slow
        except (OSError, ValueError):
            continue
        for name in names:
            package, _, version = name.rpartition(".")[0].partition("-")
            if (key := normalize(package)) not in seen:
                seen.add(key)
                yield _Package(name=key, version=version, folder=os.path.join(folder, name))  # noqa: PTH118  # as above


def _is_metadata(name: str) -> bool:
    """Return whether a folder describes a package; pip leaves names like `~ame` behind if it is interrupted."""
    return name.endswith((".dist-info", ".egg-info")) and name[0].isalnum()


def _read_entry_points(group: str) -> Iterator[EntryPoint]:
    header = f"[{group}]"
    for package in _packages(search_path()):
        content = _read(package.folder)
        if header.encode() in content:
            for name, value in _section(content.decode("utf-8", "replace"), header):
                yield EntryPoint(
                    name=name, value=value, package=package.name, version=package.version, folder=package.folder
                )


def _section(text: str, header: str) -> Iterator[tuple[str, str]]:
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == header
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].strip()


def normalize(package: str) -> str:
    """Return the name of a package in the normalized form of the packaging standards."""
    return package.replace("_", "-").replace(".", "-").lower()


def _read(folder: str) -> bytes:
    try:
        with open(f"{folder}/entry_points.txt", "rb") as file:  # noqa: PTH123  # as above
            return file.read()
    except OSError:
        return b""


def _ask_importlib(group: str) -> list[EntryPoint]:
    from importlib.metadata import entry_points as ask

    return [
        EntryPoint(
            name=found.name,
            value=found.value.partition("[")[0].strip(),
            package=normalize(found.dist.name) if found.dist else "",
            version=found.dist.version if found.dist else "",
            folder=str(found.dist.locate_file(f"{found.dist.name}.dist-info")) if found.dist else "",
        )
        for found in ask(group=group)
    ]


def _folders_are_all() -> bool:
    """Return whether every installed package is in a folder of `sys.path`."""
    files = any(map(os.path.isfile, search_path()))  # Path.is_file raises for what is no path
    return not (files or any(map(_is_foreign_finder, sys.meta_path)))


def _is_foreign_finder(finder: object) -> bool:
    """Return whether `finder` may know packages that are in no folder of `sys.path`."""
    home = getattr(finder, "__module__", "") or type(finder).__module__
    return hasattr(finder, "find_distributions") and not home.startswith(("_frozen_importlib", "importlib"))
