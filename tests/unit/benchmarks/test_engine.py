"""What `nox -s bench -- engine` compares, how rates become a table, and the clock of the programs that measure."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.engine import AT_ONCE, OURS, PEERS, SERVER, Setup, rows, table
from benchmarks.engines import clock
from tools.paths import ROOT


def test_every_engine_has_a_program() -> None:
    names = {path.stem for path in (ROOT / "benchmarks" / "engines").glob("*.py")}
    assert names == {OURS, SERVER, *PEERS, "clock", "__init__"}


def test_each_engine_is_compared_in_every_way() -> None:
    found = rows([SERVER, "cyllama"], AT_ONCE)
    assert len({row.name for row in found}) == len(found) == 3 + 2 * 4
    bars = {row.name: (row.bar.side, row.bar.limit) for row in found}
    assert bars["32 at once, to llama_server"] == ("at least", 1.05)
    assert bars["32 at once, to cyllama"] == ("at least", 1.0)
    assert bars["first token later than generate's, ms"] == ("at most", 2)


def test_rates_are_divided_and_times_subtracted_round_by_round() -> None:
    setup = Setup(model=Path("m.gguf"), prompts=Path("p.json"), pythons={}, slots=(1,))
    setup.found = {
        (OURS, 1, "whole"): [90.0, 100.0],
        (OURS, 1, "generate"): [100.0, 100.0],
        (OURS, 1, "streamed"): [50.0, 80.0],
        (OURS, 1, "first"): [0.013, 0.011],
        (OURS, 1, "generate_first"): [0.010, 0.010],
    }
    lines = table(setup, rows([], ())).splitlines()[2:]
    assert lines == [
        "| whole, to generate | 95 | 100 | 0.950 | at least 0.97 | - |",
        "| streamed, to generate | 65 | 100 | 0.650 | at least 0.94 | - |",
        "| first token later than generate's, ms | 12 | 10 | 2.000 | at most 2 | - |",
    ]


def run_clock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, length: int, slots: int
) -> dict[str, float]:
    """Measure an engine whose clock says that each look at it is a second later than the one before."""
    ticks = itertools.count()
    monkeypatch.setattr("benchmarks.engines.clock.time.perf_counter", lambda: float(next(ticks)))
    prompts = folder / "prompts.json"
    prompts.write_text(json.dumps({"texts": [str(n) for n in range(9)], "tokens": 10, "threads": 2}))
    asked = []

    def ask(text: str) -> int:
        asked.append(text)
        return length

    def stream(text: str) -> Iterator[str]:
        asked.append(text)
        yield from "abcdefghij"[:length]

    def measure(work: clock.Work) -> None:
        if work.slots > 1:
            work.together(ask)
            work.batch(lambda texts: [ask(text) for text in texts])
        else:
            work.whole(ask)
            work.streamed(stream)

    monkeypatch.setattr(sys, "argv", ["program", "m.gguf", str(slots), str(prompts)])
    clock.main(measure)
    assert len(asked) == len(set(asked)) == 2 * slots
    return dict(json.loads(capsys.readouterr().out))


def test_requests_are_timed_with_a_prompt_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = run_clock(monkeypatch, capsys, tmp_path, 10, 1)
    assert found == {"whole": 10.0, "streamed": 5.0, "first": 1.0}


def test_requests_at_once_are_timed_together(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_clock(monkeypatch, capsys, tmp_path, 10, 4) == {"together": 40.0}


def test_an_answer_that_ends_much_too_early_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match="The answer has 4 tokens instead of 10"):
        run_clock(monkeypatch, capsys, tmp_path, 4, 1)
