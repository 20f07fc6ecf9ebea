"""Calls of tools, and their results."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from llamapack.errors import ReplyError


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A tool that the model calls: its name, and the arguments as JSON text, which `arguments_json` holds."""

    id: str
    name: str
    arguments_json: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments by name; raises ReplyError if the model did not write a JSON object to its end."""
        try:
            arguments = json.loads(self.arguments_json or "{}")
        except (ValueError, RecursionError) as error:
            raise self._unreadable(str(error)) from error
        if not isinstance(arguments, dict):
            raise self._unreadable("they are no JSON object")
        return arguments

    def _unreadable(self, why: str) -> ReplyError:
        return ReplyError(
            f"The arguments of the call of {self.name} cannot be read.", text=self.arguments_json, why=f"{why}."
        )

    def to_openai(self) -> dict[str, Any]:
        """Return the call as OpenAI's interface has it in messages."""
        return {
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments_json},
        }


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """What a tool returned: `text` is what the model gets, `value` the object itself.

    `error` is the exception if it failed, and `value` is None then.
    """

    call: ToolCall
    text: str
    value: Any = None
    error: Exception | None = field(default=None, compare=False)
