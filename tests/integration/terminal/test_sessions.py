"""Sessions of `llamapack chat` with a real model, as a person has them: what is typed, and what is on the screen."""

from __future__ import annotations

import json
import resource
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llamapack import Llama

from tests.support.media.files import png, some_pixels
from tests.support.reference.made_projectors import write_projector
from tests.support.terminal.emulator import ALT_ENTER, CTRL_C, CTRL_D, UP, Terminal, words

STATUS = "SmolLM2-135M-Instruct.Q4_1.gguf | context"
LIST = "Write a short list of three colours."
LONG = "Write a poem of 100 verses."  # it never ends

Chat = Callable[..., Terminal]


@pytest.fixture(scope="module")
def llm(model_path: Path) -> Iterator[Llama]:
    """The same model, to say what is to be expected."""
    with Llama(model_path, ctx_size=1024, parallel=1, threads=1) as llm:
        yield llm


def said(terminal: Terminal, question: str) -> str:
    """Return what is below the last time that a question was asked, up to the line with numbers."""
    return terminal.text.rpartition(question)[2].partition("[")[0]


@pytest.fixture(scope="module")
def beginning(llm: Llama) -> list[str]:
    """The first words of the long answer."""
    return words(llm(LONG, temperature=0, max_tokens=8).text)[:4]


def wait_for_words(terminal: Terminal, question: str, expected: list[str]) -> None:
    """Wait until the answer below a question begins as expected."""
    terminal.wait_for(
        lambda text: words(text.rpartition(question)[2])[: len(expected)] == expected, f"answer that begins {expected}"
    )


def messages(path: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        found: list[dict[str, Any]] = json.loads(archive.read("chat.json"))["messages"]
    return found


def test_answers_are_those_of_llama_and_take_part_in_the_conversation(chat: Chat, llm: Llama, tmp_path: Path) -> None:
    expected = llm.chat(system="Be brief.")
    first, second = (expected(each, temperature=0).text for each in (LIST, "And one more?"))
    with chat("--system", "Be brief.") as terminal:
        terminal.wait(STATUS)
        terminal.enter(LIST)
        terminal.wait("tokens/s, context", f"{STATUS} ")
        assert words(said(terminal, LIST)) == words(first)
        terminal.enter("And one more?")
        terminal.wait_for(lambda text: text.count("tokens/s, context") == 2, "second answer")
        assert words(said(terminal, "And one more?")) == words(second)
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("5 messages are in")
        terminal.enter("/stats")
        terminal.wait("2 answers: ", "tokens of prompts")
        terminal.wait_for(lambda _: not terminal.cursor_is_hidden, "cursor")
        terminal.send(CTRL_D)
        assert terminal.end() == 0
        assert terminal.shows_what_is_typed
    assert messages(tmp_path / "talk.chat") == [dict(each) for each in expected.messages]
    assert list(llm.load_chat(tmp_path / "talk.chat").messages) == messages(tmp_path / "talk.chat")


def test_ctrl_c_stops_an_answer_and_the_chat_goes_on(chat: Chat, beginning: list[str], tmp_path: Path) -> None:
    with chat() as terminal:
        terminal.wait(STATUS)
        terminal.enter(LONG)
        wait_for_words(terminal, LONG, beginning)
        terminal.send(CTRL_C)
        terminal.wait("stopped]")
        cut = words(said(terminal, LONG))
        terminal.enter("/retry")
        wait_for_words(terminal, "/retry", beginning)
        terminal.send(CTRL_C)
        terminal.wait_for(lambda text: text.count("stopped]") == 2, "stop")
        again = words(said(terminal, "/retry"))
        shorter = min(len(cut), len(again)) - 1  # the last word of each may be half of one
        assert again[:shorter] == cut[:shorter]
        terminal.enter("/undo")
        terminal.wait("The conversation is empty.")
        terminal.enter("What is 2+2?")
        terminal.wait_for(lambda text: text.count("tokens/s") == 3, "answer")
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("2 messages are in")
    assert messages(tmp_path / "talk.chat")[0]["content"] == "What is 2+2?"


def test_a_saved_chat_and_what_was_typed_are_there_the_next_time(chat: Chat, tmp_path: Path) -> None:
    with chat() as terminal:
        terminal.wait(STATUS)
        terminal.send("Say hello" + ALT_ENTER + "to Ada 日本 🙂.")
        terminal.wait("> Say hello\n. to Ada")
        terminal.enter("")
        terminal.wait("tokens/s")
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("2 messages are in")
        terminal.enter("/quit")
        assert terminal.end() == 0
    assert messages(tmp_path / "talk.chat")[0]["content"] == "Say hello\nto Ada 日本 🙂."
    with chat("--load", tmp_path / "talk.chat") as terminal:
        terminal.wait(STATUS)
        terminal.send(UP * 3)
        terminal.wait("> Say hello\n. to Ada")
        terminal.send(CTRL_C)
        terminal.enter("/undo")
        terminal.wait("The conversation is empty.")
        terminal.enter(f"/load {tmp_path}/talk.chat")
        terminal.wait("2 messages were loaded.")


def test_settings_and_the_system_message_count(chat: Chat, llm: Llama) -> None:
    expected = llm.chat(system="Always answer in French.")(LIST, temperature=0, max_tokens=7).text
    with chat() as terminal:
        terminal.wait(STATUS)
        terminal.enter("/system Always answer in French.")
        terminal.enter("/set max_tokens 7")
        terminal.wait("max_tokens is 7.")
        terminal.enter("/set top_p 7")
        terminal.wait("top_p must be between 0 and 1, not 7.0.")
        terminal.enter("/system")
        terminal.wait("Always answer in French.\n>")
        terminal.enter(LIST)
        terminal.wait("[7 tokens", "cut off at the limit of tokens]")
        assert words(said(terminal, LIST)) == words(expected)
        terminal.enter("/set stats off")
        terminal.enter("/set think off")
        terminal.wait("think is off.")


def test_another_model_goes_on_with_the_conversation(chat: Chat, model_path: Path, tmp_path: Path) -> None:
    (tmp_path / "other.gguf").symlink_to(model_path)
    (tmp_path / "broken.gguf").write_bytes(model_path.read_bytes()[:100_000])
    with chat() as terminal:
        terminal.wait(STATUS)
        terminal.enter("What is 2+2?")
        terminal.wait("tokens/s")
        terminal.enter(f"/model {tmp_path}/broken.gguf")
        terminal.wait("is damaged or incomplete.", "Get the file again")
        terminal.enter(f"/model {tmp_path}/missing.gguf")
        terminal.wait("There is no file", STATUS)
        terminal.enter(f"/model {tmp_path}/other.gguf")
        terminal.wait("other.gguf: 135 million parameters", "other.gguf | context 0 of 1024")
        terminal.enter("/retry")
        terminal.wait_for(lambda text: text.count("tokens/s") == 2, "answer")
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("2 messages are in")


def test_images_need_a_projector(chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "a cat.png").write_bytes(png(some_pixels()))
    with chat() as terminal:
        terminal.wait(STATUS)
        terminal.enter(f"/image {tmp_path}/a cat.png")
        terminal.wait("takes no images.", "--projector FILE, or use a model that sees.")
    projector = write_projector(tmp_path / "sees.gguf", width=576)
    with chat("--projector", projector) as terminal:
        terminal.wait(STATUS)
        terminal.enter("/set max_tokens 3")
        terminal.enter(f"'{tmp_path}/a cat.png' What is it?")
        terminal.wait("a cat.png goes with this message.", "[3 tokens")
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("2 messages are in")
    parts = messages(tmp_path / "talk.chat")[0]["content"]
    assert [part["type"] for part in parts] == ["image_url", "text"]
    assert parts[1]["text"] == "What is it?"


@pytest.mark.parametrize("columns", [20, 33])
def test_a_narrow_window_has_all_of_an_answer(chat: Chat, llm: Llama, columns: int) -> None:
    expected = llm(LIST, temperature=0).text
    with chat(columns=columns) as terminal:
        terminal.wait("context 0 of 1024")
        terminal.enter("/set stats off")
        terminal.wait("stats is off.")
        terminal.enter(LIST)
        terminal.wait("context 5")
        question = "urs."  # of what is wrapped
        assert words(said(terminal, question).partition("\n>")[0]) == words(expected)


@pytest.mark.parametrize("shorter", [False, True])
def test_the_window_may_change_during_an_answer(chat: Chat, llm: Llama, shorter: bool) -> None:
    """Lines that a window pushes out when it gets shorter cannot be taken back: there they may be twice."""
    expected = llm(LONG, temperature=0, max_tokens=120).text
    with chat("--max-tokens", "120", columns=50, rows=30) as terminal:
        terminal.wait("context 0 of 1024")
        terminal.enter(LONG)
        for columns, rows in ((70, 20 if shorter else 40), (90, 45), (120, 10 if shorter else 50)):
            seen = len(terminal.raw)
            terminal.wait_for(lambda _, seen=seen: len(terminal.raw) > seen + 200, "more")  # type: ignore[misc]
            terminal.resize(columns, rows)
        terminal.wait("[120 tokens")
        written = words(said(terminal, LONG))
        assert (written[-len(words(expected)) :] if shorter else written) == words(expected)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("writes", [False, True])
def test_a_signal_ends_it_and_leaves_the_terminal_in_order(
    chat: Chat, beginning: list[str], name: str, writes: bool
) -> None:
    number = signal.Signals[name]
    with chat() as terminal:
        terminal.wait(STATUS)
        if writes:
            terminal.enter(LONG)
            wait_for_words(terminal, LONG, beginning)
        terminal.signal(number)
        assert terminal.end() == 128 + number
        assert terminal.shows_what_is_typed
        assert not terminal.cursor_is_hidden
        assert "Traceback" not in terminal.text


@pytest.mark.parametrize("writes", [False, True])
def test_it_ends_when_the_window_is_closed(chat: Chat, beginning: list[str], writes: bool) -> None:
    with chat() as terminal:
        terminal.wait(STATUS)
        if writes:
            terminal.enter(LONG)
            wait_for_words(terminal, LONG, beginning)
        terminal.close()
        assert terminal.end() in (0, 128 + signal.SIGHUP)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what another process writes")
def test_a_full_disk_is_an_error_and_the_chat_goes_on(chat: Chat, tmp_path: Path) -> None:
    with chat() as terminal:
        terminal.wait(STATUS)
        resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        terminal.enter("What is 2+2?")
        terminal.wait("tokens/s")
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("talk.chat cannot be written.", "File too large")
        assert not (tmp_path / "talk.chat").exists()
        resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("2 messages are in")
        terminal.enter("/save /dev/full")
        terminal.wait("/dev/full is no saved chat")
        terminal.send(CTRL_D)
        assert terminal.end() == 0
    assert [path.name for path in tmp_path.iterdir() if "talk" in path.name] == ["talk.chat"]


def test_a_terminal_that_cannot_do_anything_gets_plain_text(chat: Chat, llm: Llama) -> None:
    expected = llm(LIST, temperature=0).text
    with chat(variables={"TERM": "dumb"}) as terminal:
        terminal.wait(">")
        terminal.enter(LIST)
        terminal.wait("tokens/s")
        assert expected in terminal.raw.decode().replace("\r\n", "\n")
        terminal.send(CTRL_D)
        assert terminal.end() == 0
        assert b"\x1b" not in terminal.raw


def test_a_locale_without_utf_8_works(chat: Chat, llm: Llama, tmp_path: Path) -> None:
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    expected = llm("Is it über?", temperature=0, max_tokens=5).text.encode("ascii", "backslashreplace").decode()
    with chat("--max-tokens", "5", variables=variables) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Is it über?")
        terminal.wait("[5 tokens")
        assert words(said(terminal, "ber?")) == words(expected)
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("2 messages are in")
    assert messages(tmp_path / "talk.chat")[0]["content"] == "Is it über?"


def test_what_is_typed_meanwhile_counts_afterwards(chat: Chat, tmp_path: Path) -> None:
    with chat("--max-tokens", "40") as terminal:
        terminal.wait(STATUS)
        terminal.send(f"{LONG}\r/save {tmp_path}/talk.chat\r{CTRL_D}")
        assert terminal.end() == 0
    assert len(messages(tmp_path / "talk.chat")) == 2
