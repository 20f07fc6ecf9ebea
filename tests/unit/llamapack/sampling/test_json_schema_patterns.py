"""Regular expressions as grammars: the inside of a JSON string matches if and only if the text does."""

from __future__ import annotations

import json
import re

import pytest
from llamapack.sampling.json_schema.patterns import PatternError, rewrite

from tests.support.grammars.gbnf import as_regex

CHAR = r'[ !#-\x5B\x5D-~\x80-\uD7FF\uE000-\U0010FFFF] | [\\] ["\\/bfnrt]'
TEXTS = [
    *("", "a", "b", "ab", "abc", "xabcx", "aab", "c", "A1", "ZZ9", "AB12.5", "2024-02-28", "é", "世界", "🌍"),
    *('"', 'a"b', "\\", "a\\b", "/", "\n", "a\nb", "\t", " ", "a b", "a.b", "a-b", "a^b", "[a]", "{2}", "(", "$5"),
    *("_x", "foo@bar.org", "aaaa", "abab", "-"),
]


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
    ],
)
def test_pattern_matches_what_it_should(pattern: str) -> None:
    ours = re.compile(as_regex(rewrite(pattern), {"char": CHAR}))
    theirs = re.compile(
        re.sub(r"(?<!\\)\$", r"\\Z", pattern), re.ASCII
    )  # Python's $ matches before a last newline, too
    for text in TEXTS:
        inside = json.dumps(text, ensure_ascii=False)[1:-1]
        assert bool(ours.fullmatch(inside)) == bool(theirs.search(text)), text


def test_a_quotation_mark_never_ends_the_string() -> None:
    for pattern in ("^.*$", "^[^a]*$", r"^[\s\S]*$", r"^\W*$", 'a"b'):
        ours = re.compile(as_regex(rewrite(pattern), {"char": CHAR}))
        assert not ours.fullmatch('x"')
        assert not ours.fullmatch('"')
        assert not ours.fullmatch("\\")


def test_code_points_are_read_in_every_spelling() -> None:
    spellings = (r"^\u{1F30D}$", r"^\ud83c\udf0d$", "^[\U0001f30d]$")
    assert len({rewrite(spelling) for spelling in spellings}) == 1
    assert rewrite(r"^\cJ$") == rewrite(r"^\n$") == r'"\\n"'
    assert rewrite(r"^(?<year>\d)$") == "([0-9])"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "a bracket is not closed"),
        ("a)", "a bracket is closed that was not opened"),
        ("[a", "it ends too early"),
        ("a\\", "it ends too early"),
        ("*a", "there is nothing before '*' to repeat"),
        ("a**", "a repetition is repeated"),
        ("a{3,2}", "{3,2} is no repetition from at most 2000 to at most as many times"),
        ("a{2001}", "{2001} is no repetition from at most 2000 to at most as many times"),
        ("(?=a)", "lookaround and flags are not supported"),
        ("(?<!a)b", "lookaround and flags are not supported"),
        ("(?i)a", "lookaround and flags are not supported"),
        (r"(a)\1", r"\1 is not supported"),
        (r"\bword", r"\b is not supported"),
        (r"\p{L}", r"\p is not supported"),
        ("a^b", "'^' inside the pattern is not supported"),
        ("a$b", "'$' inside the pattern is not supported"),
        ("[z-a]", "a range in a class is reversed, or its ends are no single letters"),
        (r"[\d-x]", "a range in a class is reversed, or its ends are no single letters"),
        ("[]", "a class matches nothing that a JSON string can hold"),
        (r"\u{110000}", "there is no code point 110000"),
        ("(" * 60 + ")" * 60, "more than 50 groups are nested"),
    ],
)
def test_what_a_grammar_cannot_say_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError) as caught:
        rewrite(pattern)
    assert str(caught.value) == reason
