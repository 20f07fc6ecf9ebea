"""Copy upstream's files into each package, by content: an unchanged tree is not touched."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.bindgen.freshness import stale_bindings
from tools.errors import ToolError, shorten
from tools.git.patch import read_series
from tools.git.snapshot import Snapshot, changed_blobs, require_plain
from tools.paths import Checkout
from tools.util.atomic_files import sweep, write_file
from tools.util.files import staged_folder
from tools.vendoring.backups import save_copies
from tools.vendoring.command import command
from tools.vendoring.freshness import shared_files
from tools.vendoring.origin import Origin, local_origin, refuse_other_source, tracking_origin
from tools.vendoring.source.filters import Section, load_filter
from tools.vendoring.source.manifest import (
    MANIFEST,
    NEXT,
    FileRecord,
    Manifest,
    present,
    readable_manifest,
    record,
    record_of,
)
from tools.vendoring.source.pin import load_pin, render_pin


@dataclass(frozen=True, kw_only=True)
class Synced:
    """What a sync did to one package's tree."""

    section: str
    into: Path
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    manifest_written: bool = False


@dataclass(frozen=True, kw_only=True)
class SyncReport:
    """What a sync did, and what is new upstream since the one before."""

    trees: tuple[Synced, ...]
    upstream_new: Mapping[str, tuple[str, ...]]
    """Files that appeared upstream, with the sections that take them."""
    upstream_gone: tuple[str, ...]
    saved: Path | None = None
    """Where hand-edited files were put that `discard` replaced."""
    bindings: str = ""
    """Why the bindings have to be made again; empty if they need not."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a section's tree is to hold."""

    section: Section
    into: Path
    manifest: Manifest
    contents: Mapping[str, bytes]


def sync(checkout: Checkout, *, discard: bool = False, source: Path | None = None, patch: bool = False) -> SyncReport:
    """Make every package's tree hold what the tracking repository's working tree has, edits included.

    `source` is a tree to copy from instead, as it is or, with `patch`, with the series applied to the copy. Files of
    a synced tree that were edited by hand stop it, unless `discard`, which saves them outside the checkout first;
    files that nobody lists always do.
    """
    with command(checkout, "copying llama.cpp into the packages"):
        return sync_unlocked(checkout, discard=discard, source=source, patch=patch)


def sync_unlocked(
    checkout: Checkout,
    *,
    discard: bool = False,
    source: Path | None = None,
    patch: bool = False,
    only: Sequence[str] = (),
) -> SyncReport:
    """Do what `sync` does, for a caller that holds the lock; `only` names sections, none means all."""
    pin, series = load_pin(checkout.pin_file), read_series(checkout.patches)
    sections = tuple(s for s in load_filter(checkout.filter_file) if not only or s.name in only)
    if source:
        refuse_other_source(checkout, source, sections)
    with local_origin(source, series if patch else ()) if source else tracking_origin(checkout, pin) as origin:
        plans = [plan_section(checkout, section, origin) for section in sections]
        before = next((found for plan in plans if (found := readable_manifest(plan.into))), None)
        new, gone = _upstream_changes(origin.snapshot, before, sections)
    edited = [(plan.into, path) for plan in plans for path in _hand_edited(plan)]
    if edited and not discard:
        raise _edited_error(checkout, edited)
    saved = save_copies(checkout, [folder / path for folder, path in edited]) if edited else None
    trees = tuple(_write(plan) for plan in plans)
    return SyncReport(trees=trees, upstream_new=new, upstream_gone=gone, saved=saved, bindings=stale_bindings(checkout))


def plan_section(checkout: Checkout, section: Section, origin: Origin) -> Plan:
    """Return what the tree of `section` is to hold, copied from `origin`; colliding names are refused."""
    snapshot, into = origin.snapshot, checkout.root / section.into
    _refuse_links(checkout, section)
    taken = {path: entry for path, entry in snapshot.entries.items() if section.takes(path)}
    if not taken:
        raise ToolError(
            f"[{section.name}] of vendor/sync.toml takes none of the files in {snapshot.git.folder}.",
            fix="Copy from a tree of llama.cpp, or correct the patterns under `take`.",
        )
    require_plain(taken)
    if both := sorted(set(section.own) & set(taken)):
        raise ToolError(
            f"{both[0]} is listed as ours in [{section.name}] of vendor/sync.toml, and upstream has it too.",
            fix="Rename ours, or leave upstream's out.",
        )
    ours = shared_files(checkout, section)
    if both := sorted(set(ours) & set(taken)):
        raise ToolError(
            f"{both[0]} is one of ours from {section.shared}, and upstream has it too in [{section.name}].",
            fix="Leave upstream's out, in vendor/sync.toml.",
        )
    contents = dict(zip(taken, snapshot.git.blobs([entry.blob for entry in taken.values()]), strict=True)) | ours
    files = {path: record(contents[path], entry.mode) for path, entry in taken.items()}
    files |= {path: record(content, "100644") for path, content in ours.items()}
    return Plan(section=section, into=into, manifest=_manifest(section, origin, files), contents=contents)


def _manifest(section: Section, origin: Origin, files: Mapping[str, FileRecord]) -> Manifest:
    tree, pin = origin.snapshot.tree, origin.pin
    return Manifest(
        commit=pin.commit if pin else tree,
        tree=pin.tree if pin else tree,
        build_number=pin.build_number if pin else 0,
        ggml_tree=origin.snapshot.ggml_tree,
        source_tree=tree,
        source="tracking" if pin else "local",
        patches={patch.name: patch.sha256 for patch in origin.patches},
        series_sha256=origin.series_sha256,
        filter_sha256=section.digest,
        pin_sha256=hashlib.sha256(render_pin(pin).encode()).hexdigest() if pin else "",
        files=files,
    )


def _refuse_links(checkout: Checkout, section: Section) -> None:
    """Raise ToolError if a package's tree, or a folder above it in the checkout, is a symbolic link."""
    for part in (PurePosixPath(section.into), *PurePosixPath(section.into).parents):
        if (checkout.root / part).is_symlink() and str(part) != ".":
            raise ToolError(
                f"{checkout.root / part} is a symbolic link, and [{section.name}] of vendor/sync.toml writes below it.",
                why="What it leads to may belong to something else.",
                fix="Put a folder in its place.",
            )


def _upstream_changes(
    snapshot: Snapshot, before: Manifest | None, sections: tuple[Section, ...]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    git = snapshot.git
    if before is None or before.source_tree == snapshot.tree or not git.id_of(before.source_tree):
        return {}, ()
    changed = changed_blobs(git, before.source_tree, snapshot.tree)
    new = [path for path, (was, _) in changed.items() if not was]
    gone = tuple(path for path, (_, now) in changed.items() if not now)
    return {path: tuple(s.name for s in sections if s.takes(path)) for path in new}, gone


def _hand_edited(plan: Plan) -> tuple[str, ...]:
    """Return the files whose content no sync wrote; files that no sync wrote at all are refused here."""
    before = [m for m in (readable_manifest(plan.into), readable_manifest(plan.into, NEXT)) if m]
    edited: list[str] = []
    unlisted: list[str] = []
    for path in sorted(present(plan.into) - set(plan.section.own)):
        found = record_of(plan.into / path, None)
        ours = {m.files[path].sha256 for m in (*before, plan.manifest) if path in m.files}
        if found is None or found.sha256 not in ours:
            (edited if any(path in m.files for m in before) else unlisted).append(path)
    if unlisted:
        raise _unlisted_error(plan, unlisted)
    return tuple(edited)


def _unlisted_error(plan: Plan, paths: list[str]) -> ToolError:
    return ToolError(
        f"{plan.into} has {_count(paths)} not listed in vendor/sync.toml and not upstream's: {shorten(paths)}.",
        why="It would be lost among upstream's, so it is never removed.",
        fix=f"Move it away, or add it to `own` in [{plan.section.name}] of vendor/sync.toml.",
    )


def _edited_error(checkout: Checkout, edited: list[tuple[Path, str]]) -> ToolError:
    return ToolError(
        f"Edited by hand in a synced tree: {shorten([str(folder / path) for folder, path in edited])}.",
        why="A sync would replace it with what the tracking repository has.",
        fix=f"To keep it, make the same edit in {checkout.tracking}. "
        "To replace it (a copy is saved): inv vendor.sync --discard",
    )


def _count(paths: list[str]) -> str:
    return "a file" if len(paths) == 1 else f"{len(paths)} files"


def _write(plan: Plan) -> Synced:
    if not (plan.into.exists() and any(plan.into.iterdir())):
        with staged_folder(plan.into) as folder:
            for path, content in plan.contents.items():
                _write_one(folder, path, content, plan.manifest.files[path])
            write_file(folder / MANIFEST, plan.manifest.to_json().encode())
        return Synced(
            section=plan.section.name, into=plan.into, added=tuple(sorted(plan.contents)), manifest_written=True
        )
    return _update(plan)


def _update(plan: Plan) -> Synced:
    wanted, there = plan.manifest.files, present(plan.into) - set(plan.section.own)
    changed = [p for p in wanted if p in there and record_of(plan.into / p, wanted[p]) != wanted[p]]
    added, removed = sorted(set(wanted) - there), sorted(there - set(wanted))
    text = plan.manifest.to_json().encode()
    manifest = plan.into / MANIFEST
    same = manifest.is_file() and manifest.read_bytes() == text
    if changed or added or removed or not same or (plan.into / NEXT).exists():
        # Until it is done, a stop leaves files of the old manifest and of this one: the next run knows both.
        write_file(plan.into / NEXT, text)
        for path in removed:
            _remove_one(plan.into, path)
        for path in (*changed, *added):
            _write_one(plan.into, path, plan.contents[path], wanted[path])
        write_file(manifest, text)
    if (plan.into / NEXT).exists():
        for folder in {(plan.into / path).parent for path in (MANIFEST, *wanted)}:
            sweep(folder)
        (plan.into / NEXT).unlink()
    return Synced(
        section=plan.section.name,
        into=plan.into,
        added=tuple(added),
        changed=tuple(sorted(changed)),
        removed=tuple(removed),
        manifest_written=not same,
    )


def _write_one(folder: Path, path: str, content: bytes, listed: FileRecord) -> None:
    write_file(folder / path, content, executable=listed.mode == "100755")


def _remove_one(folder: Path, path: str) -> None:
    (folder / path).unlink()
    for parent in (folder / path).parents:
        if parent == folder or any(parent.iterdir()):
            break
        parent.rmdir()
