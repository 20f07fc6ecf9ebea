"""What a stream may show, and when."""

import pytest
from llamapack.generation.text_stream import TextStream


def test_a_character_split_over_tokens_is_held_back_until_it_is_whole() -> None:
    stream = TextStream()
    euro = "€".encode()
    assert [stream.feed(bytes([byte])) for byte in euro] == ["", "", "€"]
    assert stream.finish() == ""


def test_a_character_cut_short_at_the_end_becomes_the_replacement_character() -> None:
    stream = TextStream()
    assert stream.feed(b"a\xe2\x82") == "a"
    assert stream.finish() == "\N{REPLACEMENT CHARACTER}"


def test_a_stop_string_across_tokens_ends_the_text_before_it() -> None:
    stream = TextStream(["<end>"])
    assert [stream.feed(piece) for piece in (b"hello <", b"en", b"d> more")] == ["hello ", "", ""]
    assert stream.stopped == "<end>"
    assert stream.feed(b"later") == ""
    assert stream.finish() == ""


def test_what_only_began_like_a_stop_string_is_shown_after_all() -> None:
    stream = TextStream(["<end>"])
    assert [stream.feed(piece) for piece in (b"a<en", b"try>")] == ["a", "<entry>"]
    assert stream.stopped is None


def test_what_is_held_back_is_shown_at_the_end() -> None:
    stream = TextStream(["<end>"])
    assert stream.feed(b"a<e") == "a"
    assert stream.finish() == "<e"


def test_the_first_of_several_stop_strings_wins() -> None:
    stream = TextStream(["World", "o "])
    assert stream.feed(b"Hello World") == "Hell"
    assert stream.stopped == "o "


def test_of_two_stop_strings_at_one_place_the_longer_is_named() -> None:
    stream = TextStream(["ab", "abc"])
    assert stream.feed(b"xabc") == "x"
    assert stream.stopped == "abc"


@pytest.mark.parametrize("stop", [[], ["\n\n"], ["ê"], ["aa"]])
def test_without_a_stop_the_pieces_make_the_whole_text(stop: list[str]) -> None:
    text = "Grüße, 世界 🌍!\nbaab a"
    stream = TextStream(stop)
    pieces = [stream.feed(bytes([byte])) for byte in text.replace("aa", "a").encode()]
    assert "".join(pieces) + stream.finish() == text.replace("aa", "a")
