"""History, the offer of small models, numbers, and which models can chat."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from llamapack.errors import InputError, TaskError
from llamapack.llama import Reply
from llamapack.llama.plans.replies import Timing, Usage
from llamapack.terminal import history
from llamapack.terminal.choosing import choose, refuse
from llamapack.terminal.history import history_file
from llamapack.terminal.opening import check
from llamapack.terminal.small_models import SMALL_MODELS, fitting, recommended
from llamapack.terminal.statistics import Statistics

from tests.support.gguf.files import encode, tiny_model

GB = 10**9


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_the_history_is_only_for_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = history_file()
    assert path is not None
    assert path.is_relative_to(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("\n# now\n+typed\n", encoding="utf-8")
    path.chmod(0o644)
    assert history_file() == path
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="utf-8") == "\n# now\n+typed\n"


def test_a_large_history_keeps_its_newest_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_LARGEST", 1000)
    monkeypatch.setattr(history, "_KEPT", 500)
    path = tmp_path / "history"
    entries = [f"\n# 2026-01-01\n+entry {number}\n" for number in range(100)]
    path.write_text("".join(entries), encoding="utf-8")
    assert history_file(path) == path
    text = path.read_text(encoding="utf-8")
    assert len(text) <= 500
    assert text == "\n" + "".join(entries[-len(text) // len(entries[-1]) :])[-len(text) + 1 :]
    assert text.startswith("\n\n# 2026-01-01\n+entry ")


def test_a_place_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert history_file(tmp_path / "file" / "history") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes among its files")
def test_a_pipe_or_a_device_keeps_no_history_and_stays_as_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o644)
    (tmp_path / "null").symlink_to("/dev/null")
    before = Path("/dev/null").stat().st_mode
    try:
        assert history_file(tmp_path / "pipe") is None
        assert history_file(tmp_path / "null") is None
        assert Path("/dev/null").stat().st_mode == before
    finally:
        if Path("/dev/null").stat().st_mode != before:
            Path("/dev/null").chmod(before)


def offered(answers: list[str], free: int = 64 * GB) -> tuple[str | None, list[str]]:
    said: list[str] = []
    typed: Iterator[str] = iter(answers)
    return choose(free, lambda _: next(typed), said.append, lambda _: False), said


def test_models_that_fit_are_offered_and_one_is_chosen() -> None:
    chosen, said = offered(["9", "x", "2"], 2 * GB)
    assert chosen == "hf:Qwen/Qwen3-0.6B-GGUF:Q8_0"
    assert "\n2  Qwen3 0.6B             639 MB, Apache-2.0 (to begin with)\n" in said[0]
    assert "Qwen3-4B" not in said[0]
    assert said[1:] == ["There is no '9' among them.", "There is no 'x' among them."]


def test_enter_and_ctrl_d_choose_none() -> None:
    def left(_: str) -> str:
        raise EOFError

    assert offered([""])[0] is None
    assert choose(GB, left, lambda _: None, lambda _: True) is None


def test_a_model_that_is_here_is_marked() -> None:
    said: list[str] = []
    choose(64 * GB, lambda _: "", said.append, lambda reference: "SmolLM2" in reference)
    assert "SmolLM2 135M Instruct  already on this machine, Apache-2.0\n" in said[0]


def test_too_little_memory_is_said() -> None:
    with pytest.raises(InputError, match=r"^None of the small models .*\n500 MB are free\.\nName a model"):
        offered([], GB // 2)
    assert recommended(GB // 2) is None


def test_without_a_terminal_the_error_says_what_to_type() -> None:
    assert str(refuse(8 * GB)) == (
        "There is no MODEL.\nA model is downloaded only if it is named, and there is no terminal to ask at.\n"
        "Run: llamapack chat hf:Qwen/Qwen3-0.6B-GGUF:Q8_0 (639 MB, Apache-2.0)"
    )
    assert str(refuse(0)).endswith("Run: llamapack chat FILE")


def test_the_list_goes_from_small_to_large_and_its_references_are_ones() -> None:
    from llamapack.hub import HubReference, parse

    assert [each.megabytes for each in SMALL_MODELS] == sorted(each.megabytes for each in SMALL_MODELS)
    assert fitting(1 << 40) == list(SMALL_MODELS)
    for each in SMALL_MODELS:
        found = parse(each.reference)
        assert isinstance(found, HubReference)
        assert found.tag


def test_numbers_are_added_up() -> None:
    numbers = Statistics(context=1000)
    whole = Reply(
        value="a",
        text="a",
        usage=Usage(prompt=100, completion=50),
        timing=Timing(completion_seconds=2.0, completion_tokens=50),
    )
    numbers.count(whole, 0, 9.9)
    assert numbers.last == "50 tokens, 25.0 tokens/s, context 150 of 1000"
    numbers.count(Reply(value="b", text="b", finish="cancelled"), 10, 1.0)
    assert numbers.last == "10 tokens, 10.0 tokens/s, context 160 of 1000, stopped"
    assert numbers.summary().splitlines() == [
        "2 answers: 60 tokens, 20.0 tokens/s",
        "100 tokens of prompts",
        "context 160 of 1000 tokens (16 %)",
    ]


def test_a_model_without_a_chat_template_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "base.gguf"
    path.write_bytes(encode(tiny_model()).data)
    with pytest.raises(TaskError) as refused:
        check(path, None)
    assert refused.value.what == "base.gguf has no chat template."
    assert f'llamapack run --raw --model {path} "TEXT"' in refused.value.fix
    assert "--chat-template FILE" in refused.value.fix
    assert check(path, tmp_path / "template.jinja") > 0
