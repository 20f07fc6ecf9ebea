"""What is typed: commands, settings, and images by path."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from llamapack.errors import InputError
from llamapack.terminal.commands import COMMANDS, Command, help_text, message, parse
from llamapack.terminal.dropped_files import expanded, find_images
from llamapack.terminal.plain_input import PipedInput, joined, standard_input
from llamapack.terminal.safe_text import for_encoding, without_controls
from llamapack.terminal.settings import SETTINGS, Settings


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/help", Command(name="help", argument="")),
        ("  /system  Be brief. ", Command(name="system", argument="Be brief.")),
        ("/exit", Command(name="quit", argument="")),
        ("/?", Command(name="help", argument="")),
        ("/system one\ntwo", Command(name="system", argument="one\ntwo")),
        ("hello /help", None),
        ("//help", None),
        ("/home/ada/cat.png what is it?", None),
        ("", None),
    ],
)
def test_a_line_is_a_command_or_a_message(text: str, command: Command | None) -> None:
    assert parse(text) == command


def test_unknown_commands_are_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"^There is no command /sytem\.\nDid you mean /system\?$"):
        parse("/sytem x")
    with pytest.raises(
        InputError, match=r"^There is no command /xyz\.\n/help lists them\. For a message, write two: //"
    ):
        parse("/xyz")


def test_two_slashes_begin_a_message_with_one() -> None:
    assert message("//etc is a folder") == "/etc is a folder"
    assert message("plain") == "plain"


def test_help_names_every_command_once() -> None:
    lines = help_text().splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [f"/{name}" for name in COMMANDS]


def test_settings_are_read_and_shown() -> None:
    settings = Settings(sampling={"seed": 3})
    for name, text in (("temperature", "0.5"), ("top_k", "4"), ("think", "off"), ("stats", "off")):
        settings.change(name, text)
    settings.change("seed", "default")
    assert settings.options() == {"temperature": 0.5, "top_k": 4, "thinking": False}
    assert {name: settings.value(name) for name in SETTINGS} == {
        "think": "off",
        "markdown": "on",
        "stats": "off",
        "temperature": "0.5",
        "top_k": "4",
        **dict.fromkeys(("top_p", "min_p", "seed", "max_tokens"), "default"),
    }


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("colour", "red", r"^There is no setting 'colour'\.\nThere are: think, markdown, "),
        ("think", "loud", r"^think cannot be 'loud'\.\nGive: fold, show, off\.$"),
        ("markdown", "yes", r"^markdown cannot be 'yes'\.\nGive: on, off\.$"),
        ("top_k", "1.5", r"^top_k cannot be '1\.5'\.\nGive: 0 or more\.$"),
        ("think", "default", r"^think cannot be 'default'\."),
    ],
)
def test_wrong_settings_are_refused(name: str, text: str, error: str) -> None:
    settings = Settings()
    with pytest.raises(InputError, match=error):
        settings.change(name, text)
    assert settings == Settings()


def test_images_are_found_as_terminals_write_dropped_files(tmp_path: Path) -> None:
    for name in ("cat.png", "a dog.JPG", "text.txt"):
        (tmp_path / name).touch()
    cat, dog = tmp_path / "cat.png", tmp_path / "a dog.JPG"
    escaped = str(dog).replace(" ", "\\ ")
    address = dog.as_uri()
    for text, rest, images in (
        (f"{cat} What is it?", "What is it?", [cat]),
        (f"What is it? {escaped}", "What is it?", [dog]),
        (f"'{dog}'", "", [dog]),
        (f'Compare "{dog}" and {cat}.', f"Compare a dog.JPG and {cat}.", [dog]),
        (f"Compare {cat} and '{dog}', please", "Compare cat.png and a dog.JPG, please", [cat, dog]),
        (f"{address} What?", "What?", [dog]),
        (f"Read {tmp_path}/text.txt  now", f"Read {tmp_path}/text.txt  now", []),
        (f"{tmp_path}/missing.png ?", f"{tmp_path}/missing.png ?", []),
        ("it's 5 o'clock.png", "it's 5 o'clock.png", []),
        ("x" * 5000 + ".png", "x" * 5000 + ".png", []),
        ("file://[x.png ?", "file://[x.png ?", []),
    ):
        assert find_images(text) == (rest, images)


def test_paths_may_be_quoted_or_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    assert expanded("'a b.png' ") == Path("a b.png")
    assert expanded("~/c.png") == Path("/home/ada/c.png")
    assert expanded("it's mine.chat") == Path("it's mine.chat")


def test_lines_of_a_file_from_windows_are_those_of_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "\ufeffÜber\\\r\nuns\r\n/quit\r\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii", newline="\n"))
    stream = standard_input()
    assert stream is not None
    reader = PipedInput(stream, whole=False)
    assert [reader.read(()), reader.read(())] == ["Über\nuns", "/quit"]


def test_a_backslash_at_the_end_of_a_line_joins_the_next() -> None:
    lines = iter(["one\\", "two\\", "three", "four\\"])
    asked: list[bool] = []

    def read(first: bool) -> str:
        asked.append(first)
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    assert joined(read) == "one\ntwo\nthree"
    assert joined(read) == "four"
    assert asked == [True, False, False, True, False]
    with pytest.raises(EOFError):
        joined(read)


def test_characters_that_control_a_terminal_are_replaced() -> None:
    assert without_controls("a\x1b[31mb\x9bc\x07\td\r\ne\u202ef\rg") == "a\ufffd[31mb\ufffdc\ufffd\td\ne\ufffdf\ufffdg"
    assert without_controls(b"\xff\xc3\xa9".decode("utf-8", "surrogateescape")) == "\ufffdé"


def test_signs_that_an_encoding_lacks_become_simple_ones() -> None:
    assert for_encoding("• one ─", "ascii") == "* one -"
    assert for_encoding("• one ─", "utf-8") == "• one ─"
