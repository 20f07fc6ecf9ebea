"""Tools: the schema of a function, and what its docstring says."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Any

import pytest
from llamapack.errors import InputError, ReplyError
from llamapack.typed import Toolbox, tool
from llamapack.typed.calls import ToolCall
from llamapack.typed.docstrings import read_docstring
from llamapack.typed.tools import finished

GOOGLE = """Find flights.

    More of it.

    Args:
        origin (str): Where it begins,
            as a code.
        day: The day.

    Returns:
        The flights.
    """
NUMPY = """Find flights.

    More of it.

    Parameters
    ----------
    origin : str
        Where it begins,
        as a code.
    day
        The day.

    Returns
    -------
    list
        The flights.
    """
SPHINX = """Find flights.

    More of it.

    :param str origin: Where it begins,
        as a code.
    :param day: The day.
    :returns: The flights.
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_docstrings_of_all_styles_are_read(text: str) -> None:
    found = read_docstring(text, ["origin", "day"])
    assert found.text == "Find flights.\n\nMore of it."
    assert found.parameters == {"origin": "Where it begins, as a code.", "day": "The day."}


def test_docstring_that_is_missing_is_empty() -> None:
    assert read_docstring(None, ["a"]).text == ""


def test_colons_in_a_text_are_no_parameters() -> None:
    found = read_docstring("Say this:\nthat: it is so.", ["that"])
    assert (found.text, found.parameters) == ("Say this: that: it is so.", {})


def find(origin: str, day: int = 1, *, direct: bool = False) -> list[str]:
    return [origin] * day if direct else []


def test_parameters_come_from_the_signature() -> None:
    made = tool(find, name="find_flights", description="Find.")
    assert made.to_openai() == {
        "type": "function",
        "function": {
            "name": "find_flights",
            "description": "Find.",
            "parameters": {
                "type": "object",
                "properties": {"origin": {"type": "string"}, "day": {"type": "integer"}, "direct": {"type": "boolean"}},
                "required": ["origin"],
                "additionalProperties": False,
            },
        },
    }


class Counter:
    """Count."""

    def __call__(self, by: int) -> int:
        """Count on."""
        return by

    def method(self, by: int) -> int:
        """Count on."""
        return by


def test_methods_are_tools() -> None:
    assert list(tool(Counter().method).parameters["properties"]) == ["by"]


def test_objects_that_can_be_called_and_partial_functions_are_tools() -> None:
    counter, bound = tool(Counter()), tool(functools.partial(find, day=2))
    assert (counter.name, counter.description, list(counter.parameters["properties"])) == ("Counter", "Count.", ["by"])
    assert (bound.name, bound.parameters["required"]) == ("find", ["origin"])
    with pytest.raises(InputError, match=r"The parameter 'a' of the tool untyped has no type"):
        tool(functools.partial(untyped))


@dataclass
class Place:
    name: str


def go(to: Place) -> str:
    return to.name


def call(name: str, arguments: str) -> ToolCall:
    return ToolCall(id="1", name=name, arguments_json=arguments)


def test_a_call_has_its_arguments_by_name() -> None:
    assert call("go", '{"to": {"name": "Rome"}}').arguments == {"to": {"name": "Rome"}}
    assert call("go", "").arguments == {}
    assert call("go", "{}").to_openai() == {
        "id": "1",
        "type": "function",
        "function": {"name": "go", "arguments": "{}"},
    }


@pytest.mark.parametrize("arguments", ['{"to": ', "[1]", "[" * 100_000], ids=["cut off", "a list", "deep"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    with pytest.raises(ReplyError, match=r"^The arguments of the call of go cannot be read\.\n") as caught:
        _ = call("go", arguments).arguments
    assert caught.value.text == arguments


def test_arguments_are_objects_of_their_types() -> None:
    assert Toolbox.of([go]).bound(call("go", '{"to": {"name": "Rome"}}'))() == "Rome"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (Place("Rome"), '{"name": "Rome"}'),
        ([1, {"a": None}], '[1, {"a": null}]'),
        (enum.Enum("Kind", {"A": "a"}).A, '"a"'),  # type: ignore[attr-defined]  # made here
        ({1}, "[1]"),
        (1 + 2j, '"(1+2j)"'),
    ],
)
def test_results_are_texts_or_json(value: Any, text: str) -> None:
    assert finished(call("a", "{}"), value).text == text


def untyped(a) -> str:  # type: ignore[no-untyped-def]  # the fault that is looked for
    return str(a)


def many(*texts: str) -> str:
    return "".join(texts)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (untyped, r"The parameter 'a' of the tool untyped has no type\.\nAnnotate it, such as a: str\."),
        (many, r"The parameter \*texts: 'str' of the tool many cannot be described to a model"),
        (3, "A tool must be a function, not 3"),
    ],
)
def test_functions_that_cannot_be_described_are_refused(function: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tool(function)
