"""Tools: Python functions that a model may call, with the schema of their parameters."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import json
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from llamapack._util.arguments import check_sequence
from llamapack.errors import InputError, ToolError
from llamapack.typed.calls import ToolCall, ToolResult
from llamapack.typed.codecs import Codec, Mismatch, Schema
from llamapack.typed.docstrings import read_docstring
from llamapack.typed.records import Field, record_of
from llamapack.typed.schemas import Codecs

OnToolError: TypeAlias = Literal["reply", "raise"]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A function that a model may call, as the model sees it; `tool` makes one.

    `parameters` is the JSON schema of an object with the arguments.
    """

    name: str
    description: str
    parameters: Schema
    function: Callable[..., Any]
    codec: Codec = field(repr=False)

    def to_openai(self) -> dict[str, Any]:
        """Return the tool as OpenAI's interface has it."""
        described = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": described}


def tool(function: Callable[..., Any], *, name: str | None = None, description: str | None = None) -> Tool:
    """Describe a function to a model: its parameters by their types, and all by what its docstring says.

    The docstring may be in the style of Google, numpy or Sphinx. Raises InputError for a parameter without a type, or
    with one that JSON has nothing for.
    """
    if not callable(function):
        raise InputError(f"A tool must be a function, not {function!r}.")
    inner = _inner(function)
    parameters = _parameters(function, inner)
    documentation = read_docstring(inspect.getdoc(inner), parameters)
    codecs = Codecs()
    made: dict[str, Codec] = {}
    for each, kind in parameters.items():
        codec = codecs.of(kind.type)
        text = documentation.parameters.get(each)
        made[each] = Codec(schema={**codec.schema, "description": text}, load=codec.load) if text else codec
    codec = record_of(dict, made, parameters)
    schema = {key: value for key, value in codecs.document(codec).items() if key != "title"}
    return Tool(
        name=name or _name(inner),
        description=documentation.text if description is None else description,
        parameters=schema,
        function=function,
        codec=codec,
    )


def _inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what functools.partial was given, and others as they are."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))  # an object with __call__ has none


def _parameters(function: Callable[..., Any], inner: Callable[..., Any]) -> dict[str, Field]:
    target = inner if inspect.isroutine(inner) else type(inner).__call__
    hints = typing.get_type_hints(target, include_extras=True)
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InputError(
                f"The parameter {parameter} of the tool {_name(inner)} cannot be described to a model.",
                fix="Give each parameter a name that callers may use.",
            )
        if name not in hints:
            raise InputError(
                f"The parameter {name!r} of the tool {_name(inner)} has no type.",
                fix=f"Annotate it, such as {name}: str.",
            )
        found[name] = Field(type=hints[name], required=parameter.default is parameter.empty)
    return found


def check_several(tools: object) -> None:
    """Raise InputError for a single tool instead of several."""
    if callable(tools) or isinstance(tools, (str, bytes, Tool, Mapping)):
        raise InputError(f"tools must be several, not {tools!r}.", fix="Put it into a list.")


def check_names(names: Sequence[str]) -> None:
    """Raise InputError for two tools of the same name."""
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(f"Two tools are called {', '.join(sorted(twice))}.", fix="Use tool(function, name=...).")


def check_tool_choice(choice: object, names: Iterable[str]) -> str:
    """Return `choice` if it is "auto", "required", "none" or one of the `names` of tools; raises InputError if not."""
    known = ("auto", "required", "none", *names)
    if choice not in known:
        raise InputError(f"tool_choice must be one of {', '.join(map(repr, known))}, not {choice!r}.")
    return str(choice)


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """The tools of a call, and what happens if one fails."""

    tools: Mapping[str, Tool]
    on_error: OnToolError = "reply"

    @classmethod
    def of(cls, tools: Sequence[Tool | Callable[..., Any]], on_error: OnToolError = "reply") -> Toolbox:
        """Describe functions; raises InputError for two of the same name."""
        check_several(tools)
        if on_error not in ("reply", "raise"):
            raise InputError(f"on_tool_error must be 'reply' or 'raise', not {on_error!r}.")
        made = [each if isinstance(each, Tool) else tool(each) for each in check_sequence("tools", tools)]
        check_names([each.name for each in made])
        return cls(tools={each.name: each for each in made}, on_error=on_error)

    def bound(self, call: ToolCall) -> Callable[[], Any]:
        """Return the function of a call with its arguments; raises InputError if they do not fit, or there is none."""
        found = self.tools.get(call.name)
        if found is None:
            raise InputError(f"There is no tool {call.name!r}.")
        try:
            arguments = found.codec.load(json.loads(call.arguments_json or "{}"), "")
        except (ValueError, Mismatch, RecursionError) as error:
            raise InputError(f"The arguments do not fit: {error}") from error
        return functools.partial(found.function, **arguments)

    def failed(self, call: ToolCall, error: Exception) -> ToolResult:
        """Return what the model gets of an error; raises ToolError where errors are raised."""
        if self.on_error == "raise":
            raise ToolError(
                f"The tool {call.name} failed, called with {call.arguments_json}.",
                why=f"{type(error).__name__}: {error}",
                fix='To tell the model instead, use on_tool_error="reply".',
            ) from error
        return ToolResult(call=call, text=f"Error: {type(error).__name__}: {error}", error=error)


def run(toolbox: Toolbox, call: ToolCall, wait: Callable[[Awaitable[Any]], Any]) -> ToolResult:
    """Run a tool in this thread; `wait` finishes what async ones return."""
    try:
        value = toolbox.bound(call)()
        return finished(call, wait(value) if inspect.isawaitable(value) else value)
    except Exception as error:
        return toolbox.failed(call, error)


def finished(call: ToolCall, value: Any) -> ToolResult:
    """Return the result of a call: texts as they are, and other objects as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, default=_plain, ensure_ascii=False)
    return ToolResult(call=call, text=text, value=value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "__struct_fields__"):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)
