"""A stamp tells what a made thing was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.util import stamps


def test_unchanged_inputs_are_none(tmp_path: Path) -> None:
    stamps.write(tmp_path / "deep" / "stamp.json", {"a": "1", "b": "2"})
    assert stamps.changed(tmp_path / "deep" / "stamp.json", {"b": "2", "a": "1"}) == ()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["stamp.json"]


def test_changed_added_and_dropped_inputs_are_named(tmp_path: Path) -> None:
    stamps.write(tmp_path / "stamp.json", {"same": "1", "other": "2", "dropped": "3"})
    key = {"same": "1", "other": "9", "added": "4"}
    assert stamps.changed(tmp_path / "stamp.json", key) == ("added", "dropped", "other")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff"])
def test_damaged_stamp_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stamp.json").write_bytes(content)
    assert stamps.changed(tmp_path / "stamp.json", {"a": "1"}) == ("a",)


def test_tree_digest_follows_names_and_contents_and_not_the_order(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("1")
    second.write_text("2")
    digest = stamps.tree_digest(tmp_path, [first, second])
    assert stamps.tree_digest(tmp_path, [second, first]) == digest
    second.write_text("3")
    assert stamps.tree_digest(tmp_path, [first, second]) != digest
    second.write_text("2")
    second.rename(tmp_path / "third")
    assert stamps.tree_digest(tmp_path, [first, tmp_path / "third"]) != digest
