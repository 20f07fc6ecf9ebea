"""Rebuild pin and patches in a scratch clone, and compare with what the packages would build from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from tools.bindgen.freshness import REGENERATE, stale_bindings
from tools.git.conflict_markers import marked_by
from tools.git.format_patch import export_commits
from tools.git.patch import Patch, read_series, series_digest
from tools.git.snapshot import Snapshot
from tools.paths import Checkout
from tools.vendoring.advice import SYNC
from tools.vendoring.command import command
from tools.vendoring.dry_run import Rehearsal, rehearse
from tools.vendoring.origin import Origin
from tools.vendoring.source.fetch import fetch_pinned
from tools.vendoring.source.filters import Section, load_filter
from tools.vendoring.source.manifest import MANIFEST, NEXT, Manifest, differences, read_manifest
from tools.vendoring.source.mirror import verify_mirror
from tools.vendoring.source.pin import Pin, load_pin
from tools.vendoring.source.tracking import tracking_repository
from tools.vendoring.status import read_status
from tools.vendoring.sync import plan_section

_MEANING = {
    "files": "its list of files",
    "patches": "the patches it was made with",
    "series_sha256": "patches/ as a whole",
    "filter_sha256": "the filter it was made with (vendor/sync.toml)",
    "pin_sha256": "the pin it was made from (vendor/llama.cpp.toml)",
    "source": "where it was copied from",
}


def check(checkout: Checkout, *, mirrors: bool = False) -> tuple[str, ...]:
    """Name every difference between the packages' trees and a rebuild of them from pin, patches and filter.

    None is good. What cannot be read at all is a ToolError. With `mirrors`, each package that the pin names is
    looked into as well, and must carry the pinned commit.
    """
    with command(checkout, "rebuilding llama.cpp in a scratch clone"):
        git = tracking_repository(checkout)
        pin, series = load_pin(checkout.pin_file), read_series(checkout.patches)
        sections = load_filter(checkout.filter_file)
        fetch_pinned(git, pin)
        with rehearse(git, pin.commit, series) as rebuilt:
            problems = list(_series_problems(rebuilt, pin, series))
            origin = _rebuilt_origin(rebuilt, pin, series)
            different = [line for section in sections for line in _section_problems(checkout, section, origin)]
        step = _next_step(checkout) if any(different) else ""
        different = [f"{line} {step}" for line in different]
        if stale := stale_bindings(checkout):
            different.append(f"{stale}. Run: {REGENERATE}")
        for mirror in pin.mirrors if mirrors else ():
            different += verify_mirror(mirror, pin.commit)
        return (*problems, *different)


def _rebuilt_origin(rebuilt: Rehearsal, pin: Pin, series: tuple[Patch, ...]) -> Origin:
    return Origin(
        snapshot=Snapshot(git=rebuilt.git, tree=rebuilt.tree),
        patches=series,
        pin=pin,
        series_sha256=series_digest(series),
    )


def _next_step(checkout: Checkout) -> str:
    """Return what brings the packages' trees to what pin and patches give."""
    steps = read_status(checkout).next or (SYNC,)
    return f"{'Run' if steps[0].startswith('inv ') else 'Next'}: {'; or '.join(steps)}"


def _series_problems(rebuilt: Rehearsal, pin: Pin, series: tuple[Patch, ...]) -> Iterator[str]:
    for outcome in rebuilt.outcomes:
        if outcome.how == "conflict":
            yield f"patches/{outcome.name} does not apply: {', '.join(outcome.files)}. Run: inv vendor.apply-patches"
        elif outcome.how == "upstream":
            yield f"patches/{outcome.name} is in llama.cpp already: its `Drop when` has come true. Remove it."
        elif outcome.how == "fuzzy":
            yield f"patches/{outcome.name} applies only by a merge. Run: inv vendor.apply-patches vendor.create-patches"
    for patch in series:
        if missing := patch.missing_headers:
            yield f"patches/{patch.name} does not say: {', '.join(missing)}. patches/README.md shows how."
        if marked := marked_by(patch):
            yield f"patches/{patch.name} adds conflict markers to {', '.join(marked)}. Resolve them in that commit."
    clean = [outcome.name for outcome in rebuilt.outcomes if outcome.how == "clean"]
    commits = rebuilt.git.commits("HEAD", f"^{pin.commit}")
    if len(clean) == len(series) == len(commits):
        for patch, written in zip(series, export_commits(rebuilt.git, commits), strict=True):
            if patch.content != written.content:
                yield f"patches/{patch.name} is not as it would be written. Run: inv vendor.create-patches"
            elif patch.name != written.name:
                yield f"patches/{patch.name} would be called {written.name}. Run: inv vendor.create-patches"


def _section_problems(checkout: Checkout, section: Section, origin: Origin) -> Iterator[str]:
    for pattern in section.idle(origin.snapshot.entries):
        yield f"vendor/sync.toml: [{section.name}] {pattern} matches nothing upstream."
    plan = plan_section(checkout, section, origin)
    found = read_manifest(plan.into)
    if found is None:
        yield f"{plan.into / MANIFEST} is missing."
        return
    if (plan.into / NEXT).exists():
        yield f"{plan.into}: a sync was cut off."
    if found.to_json() != (plan.into / MANIFEST).read_text(encoding="utf-8"):
        yield f"{plan.into / MANIFEST} is not as it was written."
    yield from (f"{plan.into / MANIFEST}: {line}" for line in _manifest_problems(found, plan.manifest))
    for problem in differences(plan.into, plan.manifest, section.own):
        yield f"{plan.into / problem.path} is {_words(problem.kind)}."


def _manifest_problems(found: Manifest, wanted: Manifest) -> Iterator[str]:
    for field in fields(Manifest):
        was, should = getattr(found, field.name), getattr(wanted, field.name)
        if was != should:
            told = _MEANING.get(field.name, field.name)
            values = "" if isinstance(should, dict) else f" ({was}, now {should})"
            yield f"{told} differs{values}."


def _words(kind: str) -> str:
    return {
        "edited": "not what it is made from",
        "missing": "missing",
        "unlisted": "neither upstream's nor listed as ours",
        "mode": "executable where it should not be, or the other way round",
    }[kind]
