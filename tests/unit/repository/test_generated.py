"""Derived files are what their sources say, and a stale one names the command that mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import generated
from tools.errors import ToolError


@pytest.mark.parametrize("producer", generated.PRODUCERS, ids=lambda producer: producer.source)
def test_derived_files_are_fresh(producer: generated.Producer) -> None:
    if reason := producer.missing():
        pytest.skip(f"not compared with {producer.source}: {reason}")
    generated.require_fresh([producer])


def made(path: Path, text: str, missing: str = "") -> generated.Producer:
    return generated.Producer(source="its source", make=lambda: {path: text}, missing=lambda: missing)


@pytest.mark.parametrize("content", [None, b"", b"old\n", b"new\r\n", b"new\n\xff"])
def test_stale_file_is_refused_with_the_command_that_mends_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "docs" / "page.md"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(ToolError) as caught:
        generated.require_fresh([made(path, "new\n")], root=tmp_path)
    assert str(caught.value) == "docs/page.md: not made from its source as it is now.\nRun: nox -t gen"


def test_write_mends_the_stale_and_leaves_the_others_untouched(tmp_path: Path) -> None:
    fresh, stale = tmp_path / "fresh.md", tmp_path / "deep" / "stale.md"
    fresh.write_bytes(b"same\n")
    before = fresh.stat().st_mtime_ns
    producers = [made(fresh, "same\n"), made(stale, "äöü\n")]
    assert generated.write(producers) == [stale]
    assert stale.read_bytes() == "äöü\n".encode()
    assert fresh.stat().st_mtime_ns == before
    assert generated.write(producers) == []


def test_a_producer_that_lacks_something_is_left_out_with_its_reason(tmp_path: Path) -> None:
    producer = made(tmp_path / "page.md", "text\n", missing="no libclang")
    assert generated.stale([producer]) == {}
    assert generated.write([producer]) == []
    assert generated.left_out([producer]) == {"its source": "no libclang"}
