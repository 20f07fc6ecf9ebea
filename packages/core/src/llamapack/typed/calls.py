"""Calls of tools, and their results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A tool that the model calls: its name, and the arguments as JSON text, which `arguments_json` holds."""

    id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """What a tool returned: `text` is what the model gets, `value` the object itself.

    `error` is the exception if it failed, and `value` is None then.
    """

    call: ToolCall
    text: str
    value: Any = None
    error: Exception | None = field(default=None, compare=False)
