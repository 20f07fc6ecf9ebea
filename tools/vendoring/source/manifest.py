"""The manifest inside each synced tree: what it was made from, and every file in it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.errors import ToolError
from tools.util.atomic_files import is_leftover

MANIFEST = "llamapack-manifest.json"
NEXT = "llamapack-manifest.json.next"
"""The manifest of a sync that is under way: files that match it are ours, not edited by hand."""

Kind = Literal["edited", "missing", "unlisted", "mode"]


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """A file's content and git mode."""

    sha256: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a synced tree was made from."""

    commit: str
    tree: str
    build_number: int
    ggml_tree: str
    """Git's id of the ggml folder as it was when copied: patched, with edits."""
    source_tree: str
    """The same of the whole tree that was copied from."""
    source: str
    """`tracking`, or `local` where a tree of the developer's own was used."""
    patches: Mapping[str, str]
    """The files of patches/ that the copied tree has, and the SHA-256 of each."""
    series_sha256: str
    """Of all of patches/ as it was then; empty for a local tree."""
    filter_sha256: str
    pin_sha256: str
    """Of the pin; empty for a local tree."""
    files: Mapping[str, FileRecord]

    def to_json(self) -> str:
        """Return the text of the file: the same for the same content."""
        return (
            json.dumps(
                {
                    "commit": self.commit,
                    "tree": self.tree,
                    "build_number": self.build_number,
                    "ggml_tree": self.ggml_tree,
                    "source_tree": self.source_tree,
                    "source": self.source,
                    "patches": [{"name": name, "sha256": sha256} for name, sha256 in self.patches.items()],
                    "series_sha256": self.series_sha256,
                    "filter_sha256": self.filter_sha256,
                    "pin_sha256": self.pin_sha256,
                    "files": {
                        path: {"sha256": record.sha256, "mode": record.mode}
                        for path, record in sorted(self.files.items())
                    },
                },
                indent=1,
                ensure_ascii=False,
            )
            + "\n"
        )


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A file of a synced tree that is not what the manifest says."""

    kind: Kind
    path: str


def read_manifest(tree: Path, name: str = MANIFEST) -> Manifest | None:
    """Return the manifest in the synced tree, or None if there is none."""
    path = tree / name
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(
            commit=data["commit"],
            tree=data["tree"],
            build_number=data["build_number"],
            ggml_tree=data["ggml_tree"],
            source_tree=data["source_tree"],
            source=data["source"],
            patches={patch["name"]: patch["sha256"] for patch in data["patches"]},
            series_sha256=data.get("series_sha256", ""),  # manifests of before 0.1 have none
            filter_sha256=data["filter_sha256"],
            pin_sha256=data["pin_sha256"],
            files={file: FileRecord(sha256=r["sha256"], mode=r["mode"]) for file, r in data["files"].items()},
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(
            f"{path} is damaged.", why=f"{type(error).__name__}: {error}", fix="Run: inv vendor.sync"
        ) from error


def readable_manifest(tree: Path, name: str = MANIFEST) -> Manifest | None:
    """Return the manifest in the synced tree, or None if there is none that can be read."""
    try:
        return read_manifest(tree, name)
    except ToolError:
        return None


def require_manifest(tree: Path) -> None:
    """Raise ToolError if llama.cpp's source was never copied to `tree`."""
    if not (tree / MANIFEST).is_file():
        raise ToolError(f"llama.cpp's source is not in {tree}.", fix="Run: inv vendor.apply-patches vendor.sync")


def record(content: bytes, mode: str) -> FileRecord:
    """Return the record of a file."""
    return FileRecord(sha256=hashlib.sha256(content).hexdigest(), mode=mode)


def record_of(path: Path, listed: FileRecord | None) -> FileRecord | None:
    """Return the record of the file on disk, or None if it does not exist or is a link.

    Windows keeps no executable bit: there the listed mode is believed.
    """
    try:
        if path.is_symlink():
            return None
        content = path.read_bytes()
    except OSError:
        return None
    if sys.platform == "win32":
        return record(content, listed.mode if listed else "100644")
    return record(content, "100755" if path.stat().st_mode & stat.S_IXUSR else "100644")


def present(tree: Path) -> set[str]:
    """Return every file in the synced tree but its manifests; links to folders count as files."""
    found: set[str] = set()
    for folder, folders, files in os.walk(tree):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118 - thousands
        below = Path(folder).relative_to(tree).as_posix()
        found |= {name if below == "." else f"{below}/{name}" for name in (*files, *links) if not is_leftover(name)}
    return found - {MANIFEST, NEXT}


def differences(tree: Path, manifest: Manifest, own: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    """Return each file of the synced tree that is not as the manifest says, in order of their names."""
    problems = [Problem(kind="unlisted", path=path) for path in present(tree) - set(manifest.files) - set(own)]
    for path, listed in manifest.files.items():
        found = record_of(tree / path, listed)
        if found is None:
            kind: Kind = "unlisted" if (tree / path).is_symlink() else "missing"
            problems.append(Problem(kind=kind, path=path))
        elif found.sha256 != listed.sha256:
            problems.append(Problem(kind="edited", path=path))
        elif found.mode != listed.mode:
            problems.append(Problem(kind="mode", path=path))
    return tuple(sorted(problems, key=lambda problem: problem.path))
