"""Faults of served models are kept in files, and read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from llamapack.diagnostics.faults import record_fault, recorded_faults


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "faults"


def test_the_newest_are_kept_and_come_first(cache: Path) -> None:
    assert recorded_faults() == []
    for number in range(30):
        record_fault("m", "crash", f"fault {number}", "w" * 5000)
    found = recorded_faults()
    assert [fault.what for fault in found] == [f"fault {number}" for number in range(29, 9, -1)]
    assert (found[0].model, found[0].kind, len(found[0].why)) == ("m", "crash", 4000)
    assert len(list(cache.iterdir())) == 20


def test_damaged_files_are_passed_over(cache: Path) -> None:
    record_fault("m", "crash", "whole", "")
    (cache / "1.json").write_text("{")
    (cache / "2.json").write_text('{"time": "now"}')
    (cache / "3.json").write_text("[]")
    assert [fault.what for fault in recorded_faults()] == ["whole"]


def test_where_nothing_can_be_written_nothing_is_kept(cache: Path) -> None:
    cache.parent.write_text("a file")
    record_fault("m", "crash", "what", "")
    assert recorded_faults() == []
