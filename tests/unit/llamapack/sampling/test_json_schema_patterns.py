"""Regular expressions as grammars: the inside of a JSON string matches if and only if the text does."""

from __future__ import annotations

import json
import re

import pytest
from llamapack.sampling.json_schema.patterns import PatternError, rewrite
from llamapack.sampling.json_schema.rules import Rules

from tests.support.grammars.gbnf import grammar_regex

TEXTS = [
    *("", "a", "b", "ab", "abc", "xabcx", "aab", "c", "A1", "ZZ9", "AB12.5", "2024-02-28", "é", "世界", "🌍"),
    *('"', 'a"b', "\\", "a\\b", "/", "\n", "a\nb", "\t", " ", "a b", "a.b", "a-b", "a^b", "[a]", "{2}", "(", "$5"),
    *("_x", "foo@bar.org", "aaaa", "abab", "-"),
]


def inside_of(pattern: str) -> re.Pattern[str]:
    """The inside of the JSON strings that the grammar of a pattern allows."""
    rules = Rules()
    return grammar_regex(rules.text(f"({rewrite(pattern, rules).text})"))


def is_exact(pattern: str) -> bool:
    return rewrite(pattern, Rules()).exact


@pytest.mark.parametrize(
    "pattern",
    [
        *("^abc$", "abc", "^a", "b$", "^a|b$", "^(?:a|b)+$", "^(a|)$", "^$", "", "^.$", "^.*$", "^.{2,3}$", "^a{2}b?$"),
        *(r"^\d{4}-\d\d-\d\d$", r"^\w+@\w+\.\w+$", r"^[A-Z]{2}\d+(\.\d)?$", r"^[^a-z]$", r"^[^\s\w]+$", r"^\S+$"),
        *(
            r'^"$',
            r'"',
            r"^\\$",
            r"\\",
            r"^\/$",
            r"^[\\\"]$",
            r"^\n$",
            r"^[\n\t ]$",
            r"^a\nb$",
            r"^a[\s\S]b$",
            r"^\x61$",
        ),
        *(r"^\u00e9$", r"^[\u4e00-\u9fff]+$", "^\U0001f30d$", r"^[a\-b]+$", "^a+?b$"),
        *(r"^\[a\]$", r"^\{2\}$", r"^\$5$", r"^\($", r"^[.]$|^a\.b$", "^-$"),
        *(r"^[\w-]+$", r"^[\w.-]$", r"^(?P<x>a|b)+$", "^(a[bc]){0,2}$", "^(ab?){1,2000}$", "^a{0}b$"),
    ],
)
def test_pattern_matches_what_it_should(pattern: str) -> None:
    ours = inside_of(pattern)
    assert is_exact(pattern)
    theirs = re.compile(
        re.sub(r"(?<!\\)\$", r"\\Z", pattern), re.ASCII
    )  # Python's $ matches before a last newline, too
    for text in TEXTS:
        inside = json.dumps(text, ensure_ascii=False)[1:-1]
        assert bool(ours.fullmatch(inside)) == bool(theirs.search(text)), text


def test_a_quotation_mark_never_ends_the_string() -> None:
    for pattern in ("^.*$", "^[^a]*$", r"^[\s\S]*$", r"^\W*$", 'a"b'):
        ours = inside_of(pattern)
        assert not ours.fullmatch('x"')
        assert not ours.fullmatch('"')
        assert not ours.fullmatch("\\")


def test_code_points_are_read_in_every_spelling() -> None:
    spellings = (r"^\u{1F30D}$", r"^\ud83c\udf0d$", "^[\U0001f30d]$")
    assert len({rewrite(spelling, Rules()).text for spelling in spellings}) == 1
    assert rewrite(r"^\cJ$", Rules()) == rewrite(r"^\n$", Rules())
    assert rewrite(r"^\n$", Rules()).text == r'"\\n"'
    assert rewrite(r"^(?<year>\d)$", Rules()).text == "([0-9])"


@pytest.mark.parametrize(
    ("pattern", "allowed", "refused"),
    [
        (r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$", ["1.5", "-0", ""], ["a", "1e5"]),  # a Decimal, as pydantic writes it
        ("^(?=.*[a-z])(?=.*[0-9])[a-z0-9]{2,}$", ["a1", "aa"], ["a", "A1"]),
        ("^a(?<!b)c(?<=c)$", ["ac"], ["abc"]),
        (r"^\bword\b$", ["word"], ["words"]),
        (r"\Aab\Z", ["ab", "cabd"], ["ba"]),
        ("^(?=a)*b$", ["b"], ["ab"]),
        ("^a^b$c", ["abc"], ["bac"]),
        (r"^(a|b)\1$", ["aa", "ab"], []),
        (r"^\p{Lu}[^\p{L}]$", ["A1", "ab"], ["A"]),
        ("(?i)^abc$", ["ABC"], []),
        ("^(?i:abc)$", ["ABC"], []),
        ("^a{2,200001}$", ["a" * 2001, "a" * 3000], ["a"]),
        ("^(a*)*$", ["aa"], []),
        ("^" + "(" * 60 + "a" + ")" * 60 + "$", ["a"], []),
    ],
)
def test_what_a_grammar_cannot_express_is_left_out(pattern: str, allowed: list[str], refused: list[str]) -> None:
    regex = inside_of(pattern)
    assert not is_exact(pattern)
    assert [text for text in allowed if not regex.fullmatch(text)] == []
    assert [text for text in refused if regex.fullmatch(text)] == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "a bracket is not closed"),
        ("a)", "a bracket is closed that was not opened"),
        ("[a", "it ends too early"),
        ("a\\", "it ends too early"),
        ("*a", "there is nothing before '*' to repeat"),
        ("a**", "a repetition is repeated"),
        ("a{3,2}", "{3,2} is a repetition from 3 to 2 times"),
        ("(?", "there is no such kind of group"),
        ("(?=a", "a bracket is not closed"),
        ("[z-a]", "a range in a class is reversed"),
        ("[]", "a class matches nothing that a JSON string can hold"),
        (r"\u{110000}", "there is no code point 110000"),
    ],
)
def test_what_is_no_regular_expression_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError) as caught:
        rewrite(pattern, Rules())
    assert str(caught.value) == reason
