"""What `llamapack chat` shows in a terminal, with a model that writes given answers, step by step."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals there; not verified", allow_module_level=True)

from tests.support.terminal.emulator import ALT_ENTER, CTRL_C, CTRL_D, UP, Terminal, module
from tools.paths import ROOT

STATUS = "toy.gguf | context"
PATHS = os.pathsep.join([str(ROOT), *filter(None, sys.path)])

Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a chat whose model gives these answers; the history is in a folder of the test."""

    def begin(answers: Sequence[Sequence[str]], *options: str, **about: Any) -> Terminal:
        (tmp_path / "script.json").write_text(json.dumps(answers), encoding="utf-8")
        variables = {"PYTHONPATH": PATHS, "XDG_STATE_HOME": str(tmp_path / "state"), **about.pop("variables", {})}
        command = module("tests.support.terminal.scripted_chat", str(tmp_path), *options)
        return Terminal(command, variables=variables, **about)

    return begin


def asked(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    return found


def go_on(folder: Path, name: str) -> None:
    (folder / name).touch()


def test_markdown_is_shown_while_it_is_written_and_stays_above(start: Start, tmp_path: Path) -> None:
    pieces = [
        "# Col",
        "ours\n\n* r",
        "ed\n* **green**\n\nSo",
        "me `co",
        "wait:one",
        "de`.\n\n```python\ndef f():\n",
        "wait:two",
    ]
    with start([[*pieces, "    return 1\n```\n\nDone."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Name colours.")
        first = terminal.wait("Colours", " • red", " • green", "Some `co")
        assert "**" not in first
        assert "#" not in first
        assert terminal.style("green").bold
        assert terminal.cursor_is_hidden
        go_on(tmp_path, "one")
        terminal.wait("Some code.", "  def f():")
        go_on(tmp_path, "two")
        text = terminal.wait("Done.", "[3 tokens, 100.0 tokens/s, context 13 of 4096]", f"{STATUS} 13 of 4096")
        assert text.splitlines()[:15] == [
            "> Name colours.",
            "Colours",
            "",
            " • red",
            " • green",
            "",
            "Some code.",
            "",
            "  def f():",
            "      return 1",
            "",
            "Done.",
            "",
            "[3 tokens, 100.0 tokens/s, context 13 of 4096]",
            ">",
        ]
        assert not terminal.cursor_is_hidden
        terminal.send(CTRL_D)
        assert terminal.end() == 0
    assert (tmp_path / "closed").exists()


def test_long_answers_are_whole_in_the_scrollback(start: Start) -> None:
    code = "```\n" + "".join(f"line {number}\n" for number in range(1, 61)) + "```\n\n"
    items = "".join(f"{number}. item {number}\n" for number in range(1, 51))
    pieces = [(code + items)[at : at + 7] for at in range(0, len(code + items), 7)]
    with start([pieces], rows=12) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Count.")
        text = terminal.wait("[3 tokens")
        assert [line.strip() for line in text.splitlines() if "line" in line] == [f"line {n}" for n in range(1, 61)]
        assert [line.split()[-1] for line in text.splitlines() if "item" in line] == [str(n) for n in range(1, 51)]


def test_ctrl_c_stops_the_answer_and_not_the_program(start: Start, tmp_path: Path) -> None:
    with start([["One, two, ", "wait:never"], ["Yes."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Count.")
        terminal.wait("One, two,")
        terminal.send(CTRL_C)
        terminal.wait("stopped]", f"{STATUS} 2 of")
        terminal.enter("Go on?")
        terminal.wait("Yes.", "[3 tokens")
        terminal.send(CTRL_C)
        terminal.wait("Ctrl-D or /quit leaves.")
        terminal.send("half a line")
        terminal.wait("half a line")
        terminal.send(CTRL_C + CTRL_D)
        assert terminal.end() == 0
    assert [message["content"] for message in asked(tmp_path)[1]["messages"]] == ["Count.", "One, two, ", "Go on?"]


def test_ctrl_c_before_the_answer_begins_forgets_the_question(start: Start, tmp_path: Path) -> None:
    with start([["wait:never"], ["Yes."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Count.")
        terminal.wait_for(lambda _: terminal.cursor_is_hidden, "hidden cursor")
        terminal.send(CTRL_C)
        terminal.wait("stopped")
        terminal.enter("Go on?")
        terminal.wait("Yes.", "[3 tokens")
    assert [message["content"] for message in asked(tmp_path)[-1]["messages"]] == ["Go on?"]


def test_what_is_typed_during_an_answer_is_not_shown_in_it(start: Start, tmp_path: Path) -> None:
    with start([["One, ", "wait:go", "two."], ["Yes."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Count.")
        terminal.wait("One,")
        terminal.send("and then")
        go_on(tmp_path, "go")
        text = terminal.wait("One, two.", "[3 tokens", "> and then")
        assert text.count("and then") == 1


def test_several_lines_by_alt_enter_by_backslash_and_pasted(start: Start, tmp_path: Path) -> None:
    with start([["A."], ["B."], ["C."]]) as terminal:
        terminal.wait(STATUS)
        terminal.send("one" + ALT_ENTER + "two")
        terminal.wait("> one\n. two")
        terminal.enter("")
        terminal.wait("A.", "[3 tokens")
        terminal.enter("three\\")
        terminal.enter("four")
        terminal.wait("B.\n\n[3 tokens")
        terminal.send("\x1b[200~five\nsix\n\x1b[201~")
        terminal.wait(". six")
        terminal.enter("seven")
        terminal.wait("C.\n\n[3 tokens")
    assert [body["messages"][-1]["content"] for body in asked(tmp_path)] == [
        "one\ntwo",
        "three\nfour",
        "five\nsix\nseven",
    ]


def test_thinking_is_folded_to_one_line(start: Start, tmp_path: Path) -> None:
    with start([["think:Let me", "think: see.", "wait:go", "Yes."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Well?")
        terminal.wait("Let me see.")
        assert terminal.style("Let me see.").italics
        go_on(tmp_path, "go")
        text = terminal.wait("Yes.", "[3 tokens")
        assert "Let me see." not in text
        assert text.splitlines()[1].startswith("thought for ")
        assert text.splitlines()[2] == "Yes."


def test_thinking_can_be_shown(start: Start) -> None:
    with start([["think:Let me", "think: see.", "Yes."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("/set think show")
        terminal.wait("think is show.")
        terminal.enter("Well?")
        text = terminal.wait("Yes.", "[3 tokens")
        assert "Let me see.\nthought for 0 s\nYes." in text


def test_commands_change_the_conversation(start: Start, tmp_path: Path) -> None:
    with start([["One."], ["Two."], ["Three."], ["Four."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("/system Be brief.")
        terminal.wait("The system message is set.")
        terminal.enter("First?")
        terminal.wait("One.", "[3 tokens")
        terminal.enter("/retry")
        terminal.wait("Two.\n\n[3 tokens")
        terminal.enter(f"/save {tmp_path}/talk.chat")
        terminal.wait("3 messages are in")
        terminal.enter("/undo")
        terminal.wait("The conversation is empty.")
        terminal.enter("/undo")
        terminal.wait("1 turn cannot be undone: the conversation has 0.")
        terminal.enter(f"/load {tmp_path}/talk.chat")
        terminal.wait("3 messages were loaded.")
        terminal.enter("/set temperature 0")
        terminal.wait("temperature is 0.0.")
        terminal.enter("Second?")
        terminal.wait("Three.\n\n[3 tokens")
        terminal.enter("/stats")
        terminal.wait("1 answer: 3 tokens, 100.0 tokens/s", "13 of 4096 tokens (0 %)")
        terminal.enter("/hlep")
        terminal.wait("There is no command /hlep.", "Did you mean /help?")
        terminal.enter("//etc")
        terminal.wait("Four.\n\n[3 tokens")
        terminal.enter("/quit")
        assert terminal.end() == 0
    bodies = asked(tmp_path)
    assert [message["content"] for message in bodies[1]["messages"]] == ["Be brief.", "First?"]
    assert [message["content"] for message in bodies[2]["messages"]] == ["Be brief.", "First?", "Two.", "Second?"]
    assert bodies[2]["temperature"] == 0.0
    assert bodies[3]["messages"][-1]["content"] == "/etc"


def test_an_error_is_shown_and_the_chat_goes_on(start: Start, tmp_path: Path) -> None:
    with start([["One."], ["too long"], ["Yes."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Hello?")
        terminal.wait("One.", "[3 tokens")
        terminal.enter("/retry")
        terminal.wait("The prompt has 5000 tokens.\nShorten it, or start with a larger --ctx-size N.")
        assert terminal.style("The prompt has 5000").fg == "red"
        terminal.enter("Well?")
        terminal.wait("Yes.\n\n[3 tokens")
    assert [message["content"] for message in asked(tmp_path)[2]["messages"]] == ["Hello?", "One.", "Well?"]


def test_ctrl_c_while_a_model_is_loaded_leaves_the_chat_as_it_was(start: Start, tmp_path: Path) -> None:
    with start([["One."], ["Two."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Hello?")
        terminal.wait("One.", "[3 tokens")
        terminal.enter("/model slow")
        terminal.wait("loads")
        terminal.send(CTRL_C)
        terminal.wait("stopped")
        terminal.enter("Well?")
        terminal.wait("Two.\n\n[3 tokens")
        assert not (tmp_path / "closed").exists()
    assert [message["content"] for message in asked(tmp_path)[1]["messages"]] == ["Hello?", "One.", "Well?"]


@pytest.mark.parametrize("command", ["load", "save", "image"])
def test_paths_that_cannot_be_are_errors_and_the_chat_goes_on(start: Start, command: str) -> None:
    with start([], "--sees") as terminal:
        terminal.wait(STATUS)
        terminal.enter(f"/{command} {'a' * 300}")
        terminal.wait("File name too long")
        terminal.enter(f"/{command} file://[x/y.png")
        terminal.wait("[x/y.png", "Check the")
        terminal.enter("/undo " + "9" * 5000)
        terminal.wait("/undo takes a number, not '99")
        terminal.enter("/quit")
        assert terminal.end() == 0


def test_history_is_kept_for_its_owner(start: Start, tmp_path: Path) -> None:
    with start([["One."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("a question")
        terminal.wait("One.", "[3 tokens")
    file = tmp_path / "state" / "llamapack" / "chat_history"
    assert file.stat().st_mode & 0o777 == 0o600
    with start([["One."]]) as terminal:
        terminal.wait(STATUS)
        terminal.send(UP)
        terminal.wait("> a question")


def test_history_can_be_switched_off(start: Start, tmp_path: Path) -> None:
    with start([["One."]], "--no-history") as terminal:
        terminal.wait(STATUS)
        terminal.enter("a question")
        terminal.wait("One.", "[3 tokens")
    assert not (tmp_path / "state").exists()


def test_without_prompt_toolkit_it_says_so_once_and_works(start: Start, tmp_path: Path) -> None:
    (tmp_path / "without_prompt_toolkit").touch()
    with start([["*One*."], ["Two."]]) as terminal:
        terminal.wait('history and completion, run: python -m pip install "llamapack', '[chat]"\n>')
        terminal.enter("one\\")
        terminal.enter("two")
        terminal.wait("One.", "[3 tokens", "4096]\n>")
        terminal.send(CTRL_C)
        terminal.wait("Ctrl-D or /quit leaves.")
        terminal.enter("three")
        text = terminal.wait("Two.\n\n[3 tokens")
        assert text.count("pip install") == 1
        terminal.send(CTRL_D)
        assert terminal.end() == 0
    assert [body["messages"][-1]["content"] for body in asked(tmp_path)] == ["one\ntwo", "three"]


@pytest.mark.parametrize("columns", [12, 30])
def test_narrow_windows_wrap_and_lose_nothing(start: Start, columns: int) -> None:
    words = [f"word{number} " for number in range(40)]
    with start([words], columns=columns) as terminal:
        terminal.wait("/help" if columns > 60 else ">")
        terminal.enter("Hi.")
        text = terminal.wait_for(lambda screen: "tokens" in screen.partition("word39")[2], "numbers")
        answer = text[text.index("word0") : text.index("word39") + 6]
        assert answer.split() == [word.strip() for word in words]


def test_a_window_may_change_its_size_during_an_answer(start: Start, tmp_path: Path) -> None:
    first, second = (" ".join(f"{name}{number}" for number in range(20)) for name in ("first", "second"))
    with start([[first, "wait:one", f"\n\n{second}", "wait:two", " end.\n\nDone."]], columns=60) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Hi.")
        terminal.wait("first19")
        terminal.resize(100, 30)
        go_on(tmp_path, "one")
        terminal.wait("second19")
        terminal.resize(60, 10)
        go_on(tmp_path, "two")
        text = terminal.wait("Done.\n\n[3 tokens")
        assert text.split().count("Done.") == 1
        assert "second19 end." in " ".join(text.split())


def test_no_color_is_heeded(start: Start) -> None:
    answer = ["`code`\n\n```python\ndef f():\n    return 1\n```\n"]
    with start([answer], variables={"NO_COLOR": "1"}) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Hi.")
        terminal.wait("return 1", "[3 tokens")
        assert {terminal.style(text).fg for text in ("code", "def", "return")} == {"default"}
    with start([answer]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Hi.")
        terminal.wait("return 1", "[3 tokens")
        assert terminal.style("code").fg == "cyan"
        assert terminal.style("def").fg != "default"


def test_a_locale_without_utf_8_gets_what_it_can_show(start: Start) -> None:
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with start([["* a dash \u2013 here\n* two\n"]], variables=variables) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Hi.")
        text = terminal.wait(" * two", "[3 tokens")
        assert " * a dash \\u2013 here" in text


def test_characters_that_control_the_terminal_are_not_obeyed(start: Start) -> None:
    with start([["\x1b]0;title\x07 \x1b[2Jgone \x9b31m", "\x1b[31mred\r", "\x1b[2J end"]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter("Hi.")
        text = terminal.wait("end", "[3 tokens")
        assert "> Hi." in text
        assert terminal.style("red").fg == "default"
        assert b"\x1b[2J" not in terminal.raw


def test_they_are_not_obeyed_by_a_simple_terminal_either(start: Start) -> None:
    with start([["\x1b]0;title\x07 \x9b31m", "\x1b[2J end"]], variables={"TERM": "dumb"}) as terminal:
        terminal.wait(">")
        terminal.enter("Hi.")
        terminal.wait("[2J end", "[3 tokens")
        terminal.enter("/image \x1b]0;title\x07.png")
        terminal.wait("takes no images")
        assert b"\x1b" not in terminal.raw
        assert "\x9b" not in terminal.raw.decode()


def test_images_are_added_by_command_and_by_path(start: Start, tmp_path: Path) -> None:
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
        "53de0000000c4944415408d763f8ffff3f0005fe02fedccc59e70000000049454e44ae426082"
    )
    image = tmp_path / "a cat.png"
    image.write_bytes(png)
    with start([["One."], ["Two."]], "--sees") as terminal:
        terminal.wait(STATUS)
        terminal.enter(f"/image {image}")
        terminal.wait("a cat.png goes with the next message.", "| 1 image added |")
        terminal.enter("What is it?")
        terminal.wait("One.", "[3 tokens")
        terminal.enter(f"'{image}' And this?")
        terminal.wait("a cat.png goes with this message.", "Two.\n\n[3 tokens")
        terminal.enter(f"/image {tmp_path}/missing.png")
        terminal.wait("There is no file")
    for body, text in zip(asked(tmp_path), ("What is it?", "And this?"), strict=True):
        assert [part["type"] for part in body["messages"][-1]["content"]] == ["image_url", "text"]
        assert body["messages"][-1]["content"][1]["text"] == text


def test_a_model_that_does_not_see_says_what_to_do(start: Start, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"png")
    with start([["One."]]) as terminal:
        terminal.wait(STATUS)
        terminal.enter(f"/image {tmp_path / 'cat.png'}")
        terminal.wait("toy.gguf takes no images.", "--projector FILE")
        terminal.enter(f"{tmp_path / 'cat.png'} what is it?")
        terminal.wait("toy.gguf takes no images: the message has only their paths.", "One.", "[3 tokens")
    assert asked(tmp_path)[0]["messages"][-1]["content"] == f"{tmp_path / 'cat.png'} what is it?"
