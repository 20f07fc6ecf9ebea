"""Nothing of llama.cpp is committed here, under whatever name."""

from __future__ import annotations

from pathlib import PurePosixPath

from tools.paths import ROOT, TRACKING
from tools.util import cmd
from tools.vendoring.ensure import ensure_source
from tools.vendoring.source.pin import load_pin

EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def upstream_blobs() -> dict[str, str]:
    """Return the object ids of the pinned tree with their names there."""
    ensure_source()
    listing = cmd.run(
        ["git", f"--git-dir={TRACKING / '.git'}", "ls-tree", "-r", "-z", "--full-tree", load_pin().commit]
    )
    lines = [line.partition("\t") for line in listing.stdout.split("\0") if line]
    return {described.split(" ")[2]: path for described, _, path in lines}


def tracked_blobs() -> dict[str, str]:
    """Return the files tracked in this repository with their object ids."""
    listing = cmd.run(["git", "ls-files", "--stage", "-z"], cwd=ROOT)
    lines = [line.partition("\t") for line in listing.stdout.split("\0") if line]
    return {path: described.split(" ")[1] for described, _, path in lines}


def is_licence(path: str) -> bool:
    return PurePosixPath(path).name.upper().startswith(("LICENSE", "LICENCE", "COPYING"))


def test_no_tracked_file_is_one_of_upstreams() -> None:
    upstream, ours = upstream_blobs(), tracked_blobs()
    assert len(upstream) > 3000
    assert "tools/vendoring/ensure.py" in ours
    copied = {
        path: upstream[blob]
        for path, blob in ours.items()
        if blob in upstream and blob != EMPTY and not is_licence(path)
    }
    assert copied == {}


def test_no_tracked_file_lies_where_upstreams_source_is_copied_to() -> None:
    inside = [
        path for path in tracked_blobs() if "/native/llama.cpp/" in path or f"{path}/".startswith("vendor/llama.cpp/")
    ]
    assert inside == []
