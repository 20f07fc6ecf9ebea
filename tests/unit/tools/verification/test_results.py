"""Results of cells: what is written is read, of a commit without changes, and summed up honestly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.made_matrix import made_matrix
from tools.errors import ToolError
from tools.matrix import load_matrix
from tools.paths import ROOT
from tools.platforms.host import Method
from tools.verification import results
from tools.verification.results import Recording, Result, begin, read_results, record, refuse_arguments, summary


def made(how: Method, day: str = "2026-11-22", by: str = "") -> Result:
    return Result(how=how, by=by, date=day, commit="abc")


def test_results_are_read_as_they_were_written_the_strongest_first(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    record("b", made(Method.COMPILED), file)
    record("a", made(Method.EMULATED, by="wine"), file)
    record("a", made(Method.NATIVE), file)
    record("a", made(Method.EMULATED, "2026-11-23", "wine"), file)
    assert read_results(file) == {
        "a": (made(Method.NATIVE), made(Method.EMULATED, "2026-11-23", "wine")),
        "b": (made(Method.COMPILED),),
    }
    assert file.read_bytes().endswith(b"}\n")
    assert list(json.loads(file.read_text(encoding="utf-8"))) == ["a", "b"]


def test_what_a_result_is_of_is_kept_and_said(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    some = Result(how=Method.LOADED, by="", date="2026-11-22", commit="abc", of="90")
    record("a", some, file)
    record("b", made(Method.NATIVE), file)
    assert read_results(file) == {"a": (some,), "b": (made(Method.NATIVE),)}
    assert [set(row) for rows in json.loads(file.read_text(encoding="utf-8")).values() for row in rows] == [
        {"how", "by", "date", "commit", "of"},
        {"how", "by", "date", "commit"},
    ]
    assert str(some) == "compiled, audited and loaded for `90`, 2026-11-22, `abc`"


def test_no_file_means_no_results(tmp_path: Path) -> None:
    assert read_results(tmp_path / "none.json") == {}


def test_a_tree_with_changes_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"status": " M docs/reference/results.json\n M tools/a.py\n", "rev-parse": "0123456789ab\n"}

    class Said:
        def __init__(self, words: list[str]) -> None:
            self.stdout = next(text for word, text in said.items() if word in words)

    monkeypatch.setattr(results, "run", Said)
    with pytest.raises(ToolError) as caught:
        begin(["--record"])
    assert str(caught.value) == (
        "A result is of a commit, and this tree has changes.\nChanged: tools/a.py\nCommit them, or leave out --record."
    )
    assert begin(["-x"]) == (["-x"], None)
    said["status"] = " M docs/reference/results.json\n M docs/reference/build-matrix.md\n M README.md\n"
    words, recording = begin(["-x", "--record", "-q"])
    assert words == ["-x", "-q"]
    assert recording is not None
    assert recording.result(Method.NATIVE).commit == "0123456789ab"
    said["rev-parse"] = "ba9876543210\n"
    with pytest.raises(
        ToolError, match=r"^0123456789ab was checked out when the check began, and now it is ba9876543210"
    ):
        recording.result(Method.NATIVE)
    said["status"] = " M tools/a.py\n"
    with pytest.raises(ToolError, match="this tree has changes"):
        recording.result(Method.NATIVE)


def test_what_may_leave_out_a_part_is_not_recorded() -> None:
    refuse_arguments(None, ["-k", "fast"])
    refuse_arguments(Recording(commit="abc"), [])
    with pytest.raises(ToolError, match=r"^--record does not go together with -k fast\."):
        refuse_arguments(Recording(commit="abc"), ["-k", "fast"])


def test_a_summary_counts_each_level_once_by_its_strongest_proof(tmp_path: Path) -> None:
    held = {
        "cpu-linux-x86_64-x64": (made(Method.NATIVE), made(Method.EMULATED)),
        "cpu-linux-x86_64-haswell": (made(Method.EMULATED),),
        "cpu-windows-x86_64-x64": (made(Method.NATIVE),),
    }
    assert summary(made_matrix(tmp_path), "linux-x86_64", held) == (
        "3 levels: 1 run, 1 run in an emulator only, 1 not verified"
    )


def test_recorded_cells_are_those_of_the_matrix() -> None:
    assert set(read_results()) <= {cell.id for cell in load_matrix().cells}


def test_the_readme_says_what_is_recorded() -> None:
    assert summary(load_matrix(), "linux-x86_64", read_results()) in (ROOT / "README.md").read_text(encoding="utf-8")
