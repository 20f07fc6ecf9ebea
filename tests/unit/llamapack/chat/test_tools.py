"""Tools as a chat template gets them: functions and dicts, and what is wrong with them."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from llamapack.chat.tools import offer
from llamapack.errors import GrammarError, InputError
from llamapack.typed import tool

FORM = '{"type": "function", "function": {"name": "...", "description": "...", "parameters": {...}}}'


def weather(city: str, days: int = 1) -> str:
    """Tell the weather.

    Args:
        city: Its name.
    """
    return f"{city}: {days}"


SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Its name."}, "days": {"type": "integer"}},
    "required": ["city"],
}


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


WEATHER = named("weather", description="Tell the weather.", parameters=SCHEMA)
KNOWN = "tool_choice must be one of 'auto', 'required', 'none', 'weather', not "


@pytest.mark.parametrize("given", [weather, tool(weather), WEATHER], ids=["function", "tool", "dict"])
def test_a_function_and_what_describes_it_are_the_same_tool(given: Any) -> None:
    offered = offer([given], "auto")
    assert offered is not None
    (made,) = offered.tools
    assert made["type"] == "function"
    assert made["function"]["name"] == "weather"
    assert made["function"]["description"] == "Tell the weather."
    properties = made["function"]["parameters"]["properties"]
    assert {name: each["type"] for name, each in properties.items()} == {"city": "string", "days": "integer"}
    assert properties["city"]["description"] == "Its name."
    assert made["function"]["parameters"]["required"] == ["city"]
    assert list(offered.grammars) == ["weather"]
    assert (offered.choice, offered.unenforced) == ("auto", ())


def test_no_tools_are_no_offer() -> None:
    for choice in ("auto", "none"):
        assert offer(None, choice) is None
        assert offer([], choice) is None
    with pytest.raises(InputError, match="A call is required, but there are no tools"):
        offer([], "required")


def test_a_named_choice_is_the_only_tool_and_required() -> None:
    offered = offer([WEATHER, named("look")], "look")
    assert offered is not None
    assert ([each["function"]["name"] for each in offered.tools], offered.choice) == (["look"], "required")


@pytest.mark.parametrize("more", [{}, {"parameters": {}}, {"parameters": None}], ids=repr)
def test_a_tool_without_parameters_takes_none(more: dict[str, Any]) -> None:
    offered = offer([named("now", **more)], "auto")
    assert offered is not None
    assert offered.tools[0]["function"]["parameters"] == {"type": "object", "properties": {}}


def test_what_grammars_cannot_hold_is_named_with_its_tool() -> None:
    def look(text: Annotated[list[int], {"uniqueItems": True}]) -> None: ...

    given = named("pick", parameters={"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 7}}})
    offered = offer([look, given], "auto")
    assert offered is not None
    assert offered.unenforced == ("pick#/properties/n/multipleOf",)


@pytest.mark.parametrize(
    ("tools", "choice", "complaint"),
    [
        (WEATHER, "auto", f"tools must be several, not {WEATHER!r}.\nPut it into a list."),
        (weather, "auto", f"tools must be several, not {weather!r}.\nPut it into a list."),
        (
            [{"name": "weather"}],
            "auto",
            f"A tool must be a function, or a dict that describes one, not {{'name': 'weather'}}.\nWrite it as {FORM}.",
        ),
        ([named("")], "auto", f"A tool has no name: {named('')!r}.\nWrite it as {FORM}."),
        (
            [named("look", description=5)],
            "auto",
            f"The description of the tool look must be a text.\nWrite it as {FORM}.",
        ),
        (
            [named("look", parameters=[1])],
            "auto",
            f"The parameters of the tool look must be a JSON schema, not [1].\nWrite it as {FORM}.",
        ),
        ([weather, WEATHER], "auto", "Two tools are called weather.\nUse tool(function, name=...)."),
        ([weather], "wether", f"{KNOWN}'wether'."),
        (
            [weather],
            {"name": "weather"},
            f"{KNOWN}{{'name': 'weather'}}.",
        ),
        ([5], "auto", "A tool must be a function, not 5."),
    ],
    ids=[
        *("one dict", "one function", "only the function", "no name", "description", "parameters"),
        *("twice", "choice", "choice as a dict", "number"),
    ],
)
def test_a_wrong_tool_is_named_with_the_remedy(tools: Any, choice: Any, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        offer(tools, choice)
    assert str(caught.value) == complaint


def test_a_schema_that_allows_nothing_is_refused_with_the_name_of_its_tool() -> None:
    with pytest.raises(GrammarError, match=r"^The parameters of the tool look cannot be held by a grammar: .*#"):
        offer([named("look", parameters={"type": "object", "properties": {"a": False}, "required": ["a"]})], "auto")
