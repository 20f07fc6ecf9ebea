"""Put what vendoring did into words: lists of lines, for whoever prints them.

Backups are not told of here: they are logged when they are made, so that an error afterwards does not hide them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tools.bindgen.freshness import REGENERATE
from tools.vendoring.clean import Cleaned
from tools.vendoring.create_patches import Written
from tools.vendoring.dry_run import Preview
from tools.vendoring.plain_tree import PlainResult
from tools.vendoring.sequencer import Applied
from tools.vendoring.status import Status, TrackingStatus, TreeStatus
from tools.vendoring.sync import Synced, SyncReport

_HOW = {
    "clean": "applied",
    "fuzzy": "applied by a merge",
    "resolved": "applied after it was resolved",
    "upstream": "not needed: llama.cpp has it",
    "dropped": "left out",
    "conflict": "conflict",
}
_SHOWN = 12


def applied(result: Applied) -> Iterator[str]:
    """Tell of a series that was applied."""
    yield from (f"  {done.name}: {_HOW[done.how]}" for done in result.done)
    there = sum(done.how not in {"upstream", "dropped"} for done in result.done)
    where = f"vendor/llama.cpp is at llama.cpp {result.base[:9]} with {_patches(there)}"
    yield f"{where}." if result.changed else f"{where}, as it was."
    different = any(done.how != "clean" for done in result.done)
    if result.bumped:
        yield "The pin and the changelog are written. Next: inv vendor.create-patches vendor.sync; nox -t gen"
        yield "Then look at it, and commit it together: vendor/, patches/, CHANGELOG.md, what nox -t gen wrote."
    elif different:
        yield "The commits differ from patches/ now. Next: inv vendor.create-patches vendor.sync"


def _patches(count: int) -> str:
    return "1 patch" if count == 1 else f"{count} patches"


def patched(result: PlainResult) -> Iterator[str]:
    """Tell of a tree without git that was patched."""
    yield from (f"  {name}: there already" for name in result.already)
    yield from (f"  {name}: applied" for name in result.applied)


def aborted() -> Iterator[str]:
    """Tell of an operation that was given up."""
    yield "vendor/llama.cpp is back where it was."


def written(result: Written) -> Iterator[str]:
    """Tell of a series that was written."""
    for word, names in (("new", result.added), ("changed", result.changed), ("removed", result.removed)):
        yield from (f"  {word}: patches/{name}" for name in names)
    yield from (f"  renamed: patches/{old} to {new}" for old, new in result.renamed)
    yield f"patches/ holds {_patches(len(result.series))}" + (", as it did before." if result.is_same else ".")
    for name, headers in result.incomplete:
        yield f"{name} does not say: {', '.join(headers)}. vendor.check refuses it so; git commit --amend adds them."


def synced(report: SyncReport) -> Iterator[str]:
    """Tell of a sync."""
    for tree in report.trees:
        yield from _synced_tree(tree)
    taken = {path: sections for path, sections in report.upstream_new.items() if sections}
    yield from (f"  new upstream: {path} (taken by {', '.join(sections)})" for path, sections in taken.items())
    left = [path for path in report.upstream_new if path not in taken]
    yield from (f"  new upstream: {line} (not taken)" for line in _grouped(left))
    yield from (f"  gone upstream: {line}" for line in _grouped(report.upstream_gone))
    if report.bindings:
        yield f"{report.bindings}. Next: {REGENERATE}"


def _grouped(paths: Sequence[str]) -> Iterator[str]:
    """Yield a few paths one by one, many by their folders."""
    if len(paths) <= _SHOWN:
        yield from paths
        return
    folders = Counter("/".join(path.split("/")[:-1][:2]) for path in paths)
    yield from (f"{_files(count)} in {folder or 'the top folder'}" for folder, count in sorted(folders.items()))


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def drifted(problems: Sequence[str]) -> Iterator[str]:
    """Tell what the gate found."""
    yield from problems
    yield "1 difference." if len(problems) == 1 else f"{len(problems)} differences."


def _synced_tree(tree: Synced) -> Iterator[str]:
    for word, paths in (("added", tree.added), ("changed", tree.changed), ("removed", tree.removed)):
        if len(paths) > _SHOWN:
            yield f"  {word}: {len(paths)} files"
        else:
            yield from (f"  {word}: {path}" for path in paths)
    touched = len(tree.added) + len(tree.changed) + len(tree.removed)
    if not touched and not tree.manifest_written:
        yield f"{tree.section}: nothing has changed."
    else:
        manifest = "a new manifest" if tree.manifest_written else "the same manifest"
        yield f"{tree.section}: {_files(touched)} written or removed, {manifest}."


def previewed(preview: Preview) -> Iterator[str]:
    """Tell what a bump would do."""
    yield f"llama.cpp {preview.old.commit[:9]} to {preview.new.commit[:9]}:"
    for outcome in preview.outcomes:
        files = f": {', '.join(outcome.files)}" if outcome.files else ""
        yield f"  {outcome.name}: {_HOW[outcome.how]}{files}"
    yield "Nothing was changed."


def cleaned(result: Cleaned) -> Iterator[str]:
    """Tell what was removed."""
    yield from (f"  removed: {path}" for path in result.removed)
    if not result.removed:
        yield "There was nothing to remove."


def status(found: Status) -> Iterator[str]:
    """Tell where vendoring stands."""
    number = f" (b{found.pin.build_number})" if found.pin.build_number else ""
    yield f"pin: llama.cpp {found.pin.commit}{number}, {_patches(len(found.series))}"
    if found.problem:
        yield f"  {found.problem}"
    yield from _tracking(found.tracking) if found.tracking else ("tracking repository: none",)
    for tree in found.trees:
        yield from _tree(tree)
    if found.bindings:
        yield f"bindings: {found.bindings}"
    yield "next: " + ("; or ".join(found.next) if found.next else "nothing is to be done")


def _tracking(tracking: TrackingStatus) -> Iterator[str]:
    on = f"on branch {tracking.branch}" if tracking.branch else "on no branch"
    yield f"tracking repository: base {tracking.base[:9] or 'unknown'}, {len(tracking.commits)} commits on it, {on}"
    if tracking.mismatch and not tracking.operation:
        yield f"  {tracking.mismatch.what}"
    if operation := tracking.operation:
        done, count = len(operation.done), len(operation.names)
        yield f"  {operation.kind} under way: {done} of {count} patches are dealt with"
        if operation.current:
            stopped = "waits to be resolved" if operation.stopped else "was cut off"
            yield f"  at hand: {operation.current}, which {stopped}"
    yield from (f"  {line}" for line in tracking.risk.lines)
    if tracking.risk.state.locked:
        yield "  .git/index.lock is there: a git command runs, or was killed"
    yield from (f"  backup: {ref}" for ref in tracking.backups)


def _tree(tree: TreeStatus) -> Iterator[str]:
    yield f"{tree.into}: " + ("; ".join(tree.stale) or _standing(tree))
    yield from (f"  {problem.path} ({problem.kind})" for problem in tree.problems[:_SHOWN])
    yield from (f"  without {name} as patches/ has it" for name in tree.without)


def _standing(tree: TreeStatus) -> str:
    if tree.problems:
        return "not as it was copied"
    return "a copy of a tree of your own, not of the pinned llama.cpp" if tree.local else "as it should be"
