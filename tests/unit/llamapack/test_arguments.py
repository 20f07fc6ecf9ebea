"""Arguments: names that there are not, and optional ones that are None, empty or of the wrong kind."""

from __future__ import annotations

from typing import Any

import pytest
from llamapack._util.arguments import check_c_string, check_mapping, check_sequence, check_texts, is_number
from llamapack.errors import InputError, UnknownArgumentError
from llamapack.generation import generate
from llamapack.grammar import Grammar
from llamapack.sampling import Dry, Sampler, SamplingParameters

MODEL: Any = None  # never looked at: what is wrong is seen before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperatur": 1}, "generate() has no argument 'temperatur'.\nDid you mean 'temperature'?"),
        ({"max_token": 1}, "generate() has no argument 'max_token'.\nDid you mean 'max_tokens'?"),
        ({"temperature": 1, "qqq": 1}, "generate() has no argument 'qqq'."),
    ],
)
def test_generate_names_the_nearest_argument(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownArgumentError) as caught:
        generate(MODEL, "x", **options)
    assert str(caught.value) == message
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, TypeError)


def test_a_sampler_names_the_nearest_argument() -> None:
    options: dict[str, Any] = {"topk": 1}
    with pytest.raises(UnknownArgumentError) as caught:
        Sampler(**options)
    assert str(caught.value) == "Sampler() has no argument 'topk'.\nDid you mean 'top_k'?"


@pytest.mark.parametrize("value", [None, (), [], iter(())], ids=["None", "tuple", "list", "iterator"])
def test_no_sequence_is_an_empty_one(value: Any) -> None:
    assert check_sequence("stop", value) == ()


@pytest.mark.parametrize("value", [5, True, "text", b"text"], ids=repr)
def test_what_is_no_sequence_is_refused(value: Any) -> None:
    with pytest.raises(InputError) as caught:
        check_sequence("stop", value)
    assert str(caught.value) == f"stop must be a list or another sequence, not {value!r}.\nPut it into a list."


def test_optional_sequences_may_be_none() -> None:
    nothing: Any = None
    assert Dry(0.8, breakers=nothing).breakers == ()
    grammar = Grammar('root ::= "a"', trigger_words=nothing, trigger_patterns=nothing, trigger_tokens=nothing)
    assert grammar == Grammar('root ::= "a"')
    parameters = SamplingParameters(dry_multiplier=0.8, dry_sequence_breakers=None, logit_bias=None)
    assert Dry(0.8, breakers=()) in parameters.stages()


@pytest.mark.parametrize("stop", [5, [5], [None], b"end"], ids=repr)
def test_a_stop_string_is_a_text(stop: Any) -> None:
    with pytest.raises(InputError, match="stop"):
        generate(MODEL, "x", stop=stop)


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (check_texts, "ab", "x must be a list or another sequence, not 'ab'.\nPut it into a list."),
        (check_texts, ["a", 5], "x must hold texts, not 5."),
        (check_texts, ["\ud800"], r"x has half of a surrogate pair, which is no text: '\ud800'."),
        (check_c_string, 5, "x must be a text without NUL and halves of surrogate pairs, not 5."),
        (check_c_string, "a\0", r"x must be a text without NUL and halves of surrogate pairs, not 'a\x00'."),
        (check_mapping, [(1, 2)], "x must be a dict or another mapping, not [(1, 2)]."),
    ],
)
def test_values_of_other_kinds_are_refused(check: Any, value: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check("x", value)
    assert str(caught.value) == message


def test_a_number_is_what_a_float_can_hold() -> None:
    assert [is_number(value) for value in (5, 0.5, True, 10**400, float("nan"), "5")] == [True, True, *[False] * 4]
    with pytest.raises(InputError, match="must hold texts"):
        SamplingParameters(dry_sequence_breakers=[5]).stages()  # type: ignore[list-item]  # the fault
    with pytest.raises(InputError, match="logit_bias must be a dict"):
        SamplingParameters(logit_bias=[5]).stages()  # type: ignore[arg-type]  # the fault
