"""What happens while an answer is written: `for event in stream.events()`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from llamapack.typed.calls import ToolCall, ToolResult


@dataclass(frozen=True, kw_only=True)
class TextEvent:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, kw_only=True)
class ThinkingEvent:
    """A piece of what the model writes before its answer, where it is trained to think first."""

    text: str


@dataclass(frozen=True, kw_only=True)
class ToolCallEvent:
    """The model calls a tool; all of its arguments are there."""

    call: ToolCall


@dataclass(frozen=True, kw_only=True)
class ToolResultEvent:
    """A tool has returned, or failed."""

    result: ToolResult


@dataclass(frozen=True, kw_only=True)
class PromptProgressEvent:
    """So many of the prompt's `total` tokens are processed; `cached` ones were known from earlier requests."""

    processed: int
    total: int
    cached: int


Event: TypeAlias = TextEvent | ThinkingEvent | ToolCallEvent | ToolResultEvent | PromptProgressEvent
