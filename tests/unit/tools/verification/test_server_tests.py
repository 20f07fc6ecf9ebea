"""What is expected of llama.cpp's tests of its server, and how the runs are compared with it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.upstream_server import as_serve, hub, stand_ins
from tools.errors import ToolError
from tools.verification.server_tests.expected import (
    EITHER,
    FAILS,
    NOT_RUN,
    Exemption,
    differences,
    left_out,
    load_exemptions,
)
from tools.verification.server_tests.page import PAGE, page
from tools.verification.server_tests.reports import PROGRAMS, Ended, Report, read_report

BASE, RUNNER, SERVE = PROGRAMS


def exempt(test: str, outcome: str = FAILS, *programs: str) -> Exemption:
    return Exemption(why="It is so.", outcome=outcome, programs=programs or PROGRAMS, tests=(test,))


def report(*rows: tuple[str, str, int]) -> Report:
    return {name: Ended(name=name, outcome=outcome, line=line, why="no") for name, outcome, line in rows}


Reports = Mapping[str, Report]


def runs(base: Report, runner: Report | None = None) -> Reports:
    return {BASE: base, RUNNER: base if runner is None else runner, SERVE: base}


PASSED = report(("a::t#1", "passed", 0), ("a::t#2", "passed", 0))
FAILED = report(("a::t#1", "passed", 0), ("a::t#2", "failed", 7))
MOVED = report(("a::t#1", "passed", 0), ("a::t#2", "failed", 8))
OMITTED = report(("a::t#1", "left out", 0), ("a::t#2", "left out", 0))


@pytest.mark.parametrize(
    ("exemptions", "reports", "expected"),
    [
        ([], runs(PASSED), []),
        ([], runs(PASSED, FAILED), [f"{RUNNER}: a::t#2 failed (line 7: no)"]),
        ([exempt("a::t#2")], runs(FAILED), []),
        ([exempt("a::t#2")], runs(FAILED, PASSED), [f"{RUNNER}: a::t#2 passed, though it should fail"]),
        ([exempt("a::t#2", EITHER)], runs(FAILED, PASSED), []),
        (
            [exempt("a::t#2", EITHER)],
            runs(FAILED, MOVED),
            [f"{RUNNER}: a::t#2 failed at line 8, and with {BASE} at line 7: no"],
        ),
        ([exempt("a", NOT_RUN)], runs(OMITTED), []),
        ([exempt("a::t", NOT_RUN)], runs(OMITTED), []),
        ([exempt("a::t", NOT_RUN, RUNNER)], runs(PASSED, OMITTED), []),
        (
            [exempt("a::t", NOT_RUN, RUNNER)],
            runs(PASSED),
            [f"{RUNNER}: a::t#1 passed", f"{RUNNER}: a::t#2 passed"],
        ),
        ([], runs(PASSED, report(("a::t#1", "passed", 0))), [f"{RUNNER}: a::t#2 was not run"]),
        ([exempt("a::u")], runs(PASSED), ["expected.toml: a::u is no test"]),
    ],
)
def test_each_difference_is_told(exemptions: list[Exemption], reports: Reports, expected: list[str]) -> None:
    assert list(differences(exemptions, reports)) == expected


def test_what_is_left_out_depends_on_the_program() -> None:
    exemptions = [exempt("a", NOT_RUN, SERVE), exempt("b", NOT_RUN), exempt("c", FAILS)]
    assert left_out(exemptions, SERVE) == ["a", "b"]
    assert left_out(exemptions, BASE) == ["b"]


def test_a_report_has_each_test_once(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    rows = [{"test": "a::t", "outcome": "passed"}, {"test": "a::t", "outcome": "failed", "line": 3, "why": "late"}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert read_report(path) == {"a::t": Ended(name="a::t", outcome="failed", line=3, why="late")}
    with pytest.raises(ToolError, match="were not run"):
        read_report(tmp_path / "none.jsonl")


def test_the_page_counts_cases_by_file() -> None:
    reports = runs({**FAILED, **report(("b::u", "left out", 0))})
    text = page([exempt("a::t#2", EITHER), exempt("b", NOT_RUN)], reports, "1" * 40)
    assert "llama.cpp 11111111 has 2 tests of its server, in 2 files; with all their parameters they are 3" in text
    assert "| a.py | 1, 1, 0 | 1, 1, 0 | 1, 1, 0 |\n| b.py | 0, 0, 1 | 0, 0, 1 | 0, 0, 1 |" in text
    assert "- **It is so.** It is not run with all three:\n  `b`." in text


def test_the_page_has_all_reasons_of_the_file() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for exemption in load_exemptions():
        assert f"**{exemption.why}**" in text
        assert all(f"`{name}`" in text for name in exemption.tests)


def test_reasons_are_sentences_and_names_have_no_parameters() -> None:
    for exemption in load_exemptions():
        assert re.fullmatch(r"(llama\.cpp|[A-Z`]).*\.", exemption.why)
        assert all(re.fullmatch(r"test_\w+(::test_\w+(#\d+)?)?", name) for name in exemption.tests)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("m/text/text.gguf", "m/sees/sees-Q8_0.gguf", "m/sees/mmproj-sees.gguf", "m/many/a/b.gguf"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setenv("LLAMAPACK_STAND_INS", str(tmp_path))
    return tmp_path


def test_arguments_of_llama_server_become_those_of_serve(models: Path) -> None:
    given = "--port 80 --temp 0.5 --offline --hf-repo m/many --hf-file a/b.gguf --no-slots --alias x --no-jinja -fa on"
    expected = "--port 80 -o temp=0.5 --name x -o jinja=false -o flash_attn=on -o kv_unified=false"
    words = ["--option" if word == "-o" else word for word in expected.split()]
    assert list(as_serve.arguments(given.split())) == [*words, str(models / "m/many/a/b.gguf")]


def test_a_projector_is_found_beside_its_model(models: Path) -> None:
    text = list(as_serve.arguments(["--kv-unified", "--hf-repo", "m/sees:Q8_0"]))
    projector = f"mmproj={models / 'm/sees/mmproj-sees.gguf'}"
    assert text == ["--option", "kv_unified=true", "--option", projector, str(models / "m/sees/sees-Q8_0.gguf")]
    assert str(models / "m/text/text.gguf") in as_serve.arguments(["--hf-repo", "m/text"])


@pytest.mark.parametrize("arguments", [["--tools", "all"], ["-x"], [], ["--models-max", "2"]])
def test_what_serve_has_nothing_like_ends_it(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="llamapack serve"):
        list(as_serve.arguments(arguments))


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - on loopback
        found: bytes = answer.read()
    return found


def test_the_hub_lists_and_hands_out_files(tmp_path: Path) -> None:
    (tmp_path / "m" / "n" / "a").mkdir(parents=True)
    (tmp_path / "m" / "n" / "a" / "b.gguf").write_bytes(b"GGUF")
    with hub.serving(tmp_path) as address:
        (branch,) = json.loads(fetched(f"{address}api/models/m/n/refs"))["branches"]
        assert branch["name"] == "main"
        commit = branch["targetCommit"]
        assert re.fullmatch("[0-9a-f]{40}", commit)
        (entry,) = json.loads(fetched(f"{address}api/models/m/n/tree/{commit}?recursive=true"))
        assert (entry["type"], entry["path"], entry["size"], len(entry["lfs"]["oid"])) == ("file", "a/b.gguf", 4, 64)
        assert fetched(f"{address}m/n/resolve/{commit}/a/b.gguf") == b"GGUF"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetched(f"{address}api/models/m/other/refs")


def test_stand_ins_have_the_names_of_the_models(tmp_path: Path) -> None:
    written = {path.relative_to(tmp_path).as_posix() for path in stand_ins.write_all(tmp_path)}
    assert written == {
        "ggml-org/models/bert-bge-small/ggml-model-f16.gguf",
        "ggml-org/models/jina-reranker-v1-tiny-en/ggml-model-f16.gguf",
        *(f"ggml-org/models/tinyllamas/split/stories15M-q8_0-0000{n}-of-00003.gguf" for n in (1, 2, 3)),
        "ggml-org/models/tinyllamas/stories260K.gguf",
        "ggml-org/stories15M_MOE/moe_shakespeare15M.gguf",
        "ggml-org/stories15M_MOE/stories15M_MOE-F16.gguf",
        "ggml-org/test-model-stories260K-infill/stories260K-infill.gguf",
        "ggml-org/test-model-stories260K/stories260K-f32.gguf",
        "ggml-org/tiny-llamas/stories15M-q4_0.gguf",
        "ggml-org/tinygemma3-GGUF/mmproj-tinygemma3.gguf",
        "ggml-org/tinygemma3-GGUF/test/11_truck.png",
        "ggml-org/tinygemma3-GGUF/test/91_cat.png",
        "ggml-org/tinygemma3-GGUF/tinygemma3-Q8_0.gguf",
    }


def test_addresses_of_the_hub_name_files(tmp_path: Path) -> None:
    assert hub.file_at(tmp_path, "https://huggingface.co/m/n/resolve/main/a/b.png") == tmp_path / "m/n/a/b.png"
