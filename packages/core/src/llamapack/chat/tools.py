"""Tools as a chat template shows them, and grammars for their arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from llamapack._util.arguments import check_sequence
from llamapack.errors import GrammarError, InputError
from llamapack.sampling.json_schema import Compiled, compile_schema
from llamapack.typed import Tool, tool
from llamapack.typed.tools import check_names, check_several, check_tool_choice

AnyTool: TypeAlias = "Tool | Callable[..., Any] | Mapping[str, Any]"
"""A typed function, what `tool` makes of one, or a tool as OpenAI's interface has it."""

_FORM = 'Write it as {"type": "function", "function": {"name": "...", "description": "...", "parameters": {...}}}.'
_NO_PARAMETERS = {"type": "object", "properties": {}}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The tools of a chat, in OpenAI's form, and a grammar for the arguments of each.

    `unenforced` are the places in their schemas that the grammars cannot hold.
    """

    tools: tuple[Mapping[str, Any], ...]
    choice: str
    grammars: Mapping[str, str]
    unenforced: tuple[str, ...]


def offer(tools: Sequence[AnyTool] | None, choice: str) -> Offer | None:
    """Describe tools; raises InputError for one that is none, and GrammarError for a schema that cannot be used.

    A `choice` that is the name of a tool is a required call of it: llama.cpp knows no such choice, so that the tool is
    the only one.
    """
    check_several(tools)
    described = [_described(each) for each in check_sequence("tools", tools)]
    names = [each["function"]["name"] for each in described]
    check_names(names)
    check_tool_choice(choice, names)
    if not described:
        if choice == "required":
            raise InputError("A call is required, but there are no tools.", fix="Give tools, or leave tool_choice out.")
        return None
    offered = [each for each in described if choice not in names or each["function"]["name"] == choice]
    compiled = {each["function"]["name"]: _compiled(each["function"]) for each in offered}
    return Offer(
        tools=tuple(offered),
        choice="required" if choice in names else choice,
        grammars={name: found.text for name, found in compiled.items()},
        unenforced=tuple(f"{name}{place}" for name, found in compiled.items() for place in found.unenforced),
    )


def _described(given: AnyTool) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return (given if isinstance(given, Tool) else tool(given)).to_openai()
    function = given.get("function")
    if given.get("type") != "function" or not isinstance(function, Mapping):
        raise InputError(f"A tool must be a function, or a dict that describes one, not {given!r}.", fix=_FORM)
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not name:
        raise InputError(f"A tool has no name: {given!r}.", fix=_FORM)
    if not isinstance(function.get("description", ""), str):
        raise InputError(f"The description of the tool {name} must be a text.", fix=_FORM)
    if parameters is not None and not isinstance(parameters, Mapping):
        raise InputError(f"The parameters of the tool {name} must be a JSON schema, not {parameters!r}.", fix=_FORM)
    return {"type": "function", "function": {**function, "parameters": parameters or _NO_PARAMETERS}}


def _compiled(function: Mapping[str, Any]) -> Compiled:
    try:
        return compile_schema(function["parameters"])
    except GrammarError as error:
        raise GrammarError(
            f"The parameters of the tool {function['name']} cannot be held by a grammar: {error.what}",
            why=error.why,
            fix=error.fix,
        ) from error
