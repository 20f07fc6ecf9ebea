"""Tell whether a package's synced tree is what it should be made from now."""

from __future__ import annotations

from collections.abc import Iterator

from tools.errors import ToolError
from tools.git.patch import read_patches, series_digest
from tools.paths import Checkout
from tools.vendoring.source.filters import Section
from tools.vendoring.source.manifest import MANIFEST, NEXT, Manifest, Problem, differences, read_manifest, record
from tools.vendoring.source.pin import load_pin

SHARED = "llamapack"
"""The folder for files of ours in a synced tree."""


def stale_reasons(checkout: Checkout, section: Section) -> tuple[str, ...]:
    """Return why a section's synced tree is not what it should be made from now; empty if it is."""
    into = checkout.root / section.into
    manifest = read_manifest(into)
    if manifest is None:
        return (f"{into / MANIFEST} is missing",)
    if (into / NEXT).exists():
        return ("a sync was cut off",)
    return tuple(_stale(checkout, section, manifest))


def _stale(checkout: Checkout, section: Section, manifest: Manifest) -> Iterator[str]:
    pin = load_pin(checkout.pin_file)
    if manifest.source == "local":
        return
    if (manifest.commit, manifest.tree, manifest.build_number) != (pin.commit, pin.tree, pin.build_number):
        yield f"it was made from llama.cpp {manifest.commit[:9]}, and {pin.commit[:9]} is pinned"
    if manifest.series_sha256 != series_digest(read_patches(checkout.patches)):
        yield "patches/ has changed since"
    if manifest.filter_sha256 != section.digest:
        yield f"[{section.name}] of vendor/sync.toml has changed since"


def missing_patches(checkout: Checkout, manifest: Manifest) -> tuple[str, ...]:
    """Return the files of patches/ that a copied tree is without, or has with other changes on top."""
    if manifest.source == "local":
        return ()
    return tuple(patch.name for patch in read_patches(checkout.patches) if patch.name not in manifest.patches)


def shared_files(checkout: Checkout, section: Section) -> dict[str, bytes]:
    """Return the files of ours that stand in a section's synced tree beside upstream's, by their names there."""
    if not section.shared:
        return {}
    folder = checkout.root / section.shared
    if not folder.is_dir():
        raise ToolError(
            f"{folder} does not exist, and [{section.name}] of vendor/sync.toml copies it.",
            fix=f"Run: git checkout -- {section.shared}",
        )
    return {f"{SHARED}/{path.name}": path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def shared_changed(checkout: Checkout, section: Section) -> bool:
    """Tell whether the files of ours were changed after they were copied; what upstream gave may be current still."""
    manifest = read_manifest(checkout.root / section.into)
    if manifest is None or not section.shared:
        return False
    ours = {path: record(content, "100644") for path, content in shared_files(checkout, section).items()}
    return {path: listed for path, listed in manifest.files.items() if path.startswith(f"{SHARED}/")} != ours


def tree_problems(checkout: Checkout, section: Section) -> tuple[Problem, ...]:
    """Return the files of a section's synced tree that are not as its manifest says; none if it has no manifest."""
    into = checkout.root / section.into
    manifest = read_manifest(into)
    return differences(into, manifest, section.own) if manifest else ()
