"""What the commands say of a sync: every new file that is taken, the rest by folders where they are many."""

from __future__ import annotations

from pathlib import Path

from tools.vendoring import messages
from tools.vendoring.sync import Synced, SyncReport


def words(new: dict[str, tuple[str, ...]], gone: tuple[str, ...] = ()) -> list[str]:
    report = SyncReport(trees=(), upstream_new=new, upstream_gone=gone)
    return list(messages.synced(report))


def test_few_files_are_named() -> None:
    assert words({"src/a.cpp": ("core",), "docs/b.md": ()}, ("x",)) == [
        "  new upstream: src/a.cpp (taken by core)",
        "  new upstream: docs/b.md (not taken)",
        "  gone upstream: x",
    ]


def test_many_files_that_are_not_taken_are_counted_by_folder() -> None:
    new: dict[str, tuple[str, ...]] = {f"docs/deep/er/{number}.md": () for number in range(20)}
    assert words({**new, "top": (), "src/a.cpp": ("core",)}, tuple(f"gone/{n}" for n in range(13))) == [
        "  new upstream: src/a.cpp (taken by core)",
        "  new upstream: 1 file in the top folder (not taken)",
        "  new upstream: 20 files in docs/deep (not taken)",
        "  gone upstream: 13 files in gone",
    ]


def test_tree_that_was_not_touched_is_said() -> None:
    report = SyncReport(trees=(Synced(section="core", into=Path("x")),), upstream_new={}, upstream_gone=())
    assert list(messages.synced(report)) == ["core: nothing has changed."]
