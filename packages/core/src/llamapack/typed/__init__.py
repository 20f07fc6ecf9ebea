"""Python types as JSON: what `returns=` may be, and tools with their parameters.

returns      a type becomes a grammar, and an answer its object
tools        functions that a model may call, described by their types and docstrings, and run
calls        ToolCall and ToolResult
docstrings   what a docstring says of a function and its parameters
schemas      the schema of a type, whatever it is built of
records      types with named fields: dataclasses, TypedDicts, NamedTuples, pydantic's and msgspec's
codecs       scalars, choices, lists and unions: their schema, and their objects out of JSON
"""

from __future__ import annotations

from llamapack.typed.calls import ToolCall, ToolResult
from llamapack.typed.returns import Returns, returns_of
from llamapack.typed.tools import Tool, Toolbox, tool

__all__ = ["Returns", "Tool", "ToolCall", "ToolResult", "Toolbox", "returns_of", "tool"]
