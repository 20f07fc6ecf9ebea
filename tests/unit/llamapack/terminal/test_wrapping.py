"""Lines that fit the window."""

from __future__ import annotations

import pytest
from llamapack.errors import InputError
from llamapack.terminal.settings import Settings
from llamapack.terminal.wrapping import fitted, wrapped
from rich.cells import cell_len

STATUS = ["toy.gguf", "context 1 of 20", "1 image added", "/help"]


def test_lines_that_fit_stay_as_they_are() -> None:
    text = "one  two\n\n  three"
    assert wrapped(text, 8) == text


def test_sentences_go_on_at_the_left() -> None:
    assert wrapped("one two three", 7) == "one two\nthree"


def test_the_last_column_goes_on_below_itself() -> None:
    assert wrapped("min_p   off  keep tokens at least p", 26) == ("min_p   off  keep tokens\n             at least p")
    assert wrapped("/a  one two", 8) == "/a  one\n    two"


def test_without_room_for_a_column_it_goes_on_with_a_small_indentation() -> None:
    assert wrapped("/system [TEXT]     show or set it", 16) == "/system [TEXT]\n    show or set\n    it"


def test_wide_characters_take_two_cells() -> None:
    assert wrapped("日本語 日本語", 7) == "日本語\n日本語"


@pytest.mark.parametrize("width", range(1, 60))
def test_no_line_is_too_wide_and_no_word_is_lost(width: int) -> None:
    text = "/set [NAME VALUE]  show or change settings: think, 日本語, temperature\na sentence of several words"
    lines = wrapped(text, width).split("\n")
    assert [line for line in lines if cell_len(line) > max(4, width)] == []
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "toy.gguf | context 1 of 20 | 1 image added | /help"),
        (40, "context 1 of 20 | 1 image added | /help"),
        (32, "context 1 of 20 | 1 image added"),
        (20, "context 1 of 20"),
        (5, "context 1 of 20"),
    ],
)
def test_what_matters_least_is_left_out_of_the_status(width: int, line: str) -> None:
    assert fitted(STATUS, width) == line


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("top_p", "7", "top_p must be between 0 and 1, not 7.0."),
        ("temperature", "nan", "temperature must be 0 or more, not nan."),
        ("seed", "-1", "seed must be a whole number from 0 to 4294967294, or None, not -1."),
        ("max_tokens", "0", "max_tokens must be a whole number from 1 to 2147483647, not 0."),
        ("top_k", "few", "top_k cannot be 'few'.\nGive: 0 or more."),
        ("think", "loud", "think cannot be 'loud'.\nGive: fold, show, off."),
    ],
)
def test_values_out_of_range_are_refused_when_they_are_set(name: str, text: str, message: str) -> None:
    settings = Settings()
    with pytest.raises(InputError) as refused:
        settings.change(name, text)
    assert str(refused.value) == message
    assert settings == Settings()


def test_options_are_checked_before_a_model_is_loaded() -> None:
    with pytest.raises(InputError, match=r"min_p must be between 0 and 1, not 2"):
        Settings(sampling={"min_p": 2.0})
