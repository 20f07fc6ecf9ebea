"""Replies: what comes of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from llamapack.chat.answer import ChatAnswer
from llamapack.typed.calls import ToolResult

T = TypeVar("T")

FinishReason: TypeAlias = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens, over all turns of a call: `cached` ones of the prompt were known from earlier requests."""

    prompt: int
    completion: int
    cached: int = 0

    @property
    def total(self) -> int:
        """All tokens, of prompt and completion."""
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        """Add up two turns."""
        return Usage(
            prompt=self.prompt + other.prompt,
            completion=self.completion + other.completion,
            cached=self.cached + other.cached,
        )


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds and tokens, as llama.cpp measured them, over all turns of a call.

    `drafted` tokens were guessed by speculative decoding, and `accepted` ones of them were right.
    """

    prompt_seconds: float = 0.0
    prompt_tokens: int = 0
    completion_seconds: float = 0.0
    completion_tokens: int = 0
    drafted: int = 0
    accepted: int = 0

    @property
    def tokens_per_second(self) -> float:
        """The pace of the answer; 0 if nothing was generated."""
        return self.completion_tokens / self.completion_seconds if self.completion_seconds else 0.0

    @property
    def acceptance(self) -> float | None:
        """The part of the drafted tokens that was right, from 0 to 1; None without speculative decoding."""
        return self.accepted / self.drafted if self.drafted else None

    def __add__(self, other: Timing) -> Timing:
        """Add up two turns."""
        return Timing(
            prompt_seconds=self.prompt_seconds + other.prompt_seconds,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_seconds=self.completion_seconds + other.completion_seconds,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            drafted=self.drafted + other.drafted,
            accepted=self.accepted + other.accepted,
        )


@dataclass(frozen=True, kw_only=True)
class TokenLogprob:
    """A token of the answer, and the natural logarithm of its probability; `top` are the likeliest at its place."""

    id: int
    text: str
    data: bytes
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reply(Generic[T]):
    """What comes of a call; it prints as its text.

    `value` is the answer as the type that was asked for, and the text without one. `thinking` is what the model wrote
    before, where it is trained to. `tool_calls` are the calls that the model made, with their results. `finish` is
    "stop" for an answer that is complete, "length" for one that ended at `max_tokens`, and "cancelled" for one that
    was cancelled. `logprobs` are empty unless they were asked for. `messages` is what the call adds to a
    conversation, and `index` is the number of the prompt among those of `map`.
    """

    value: T
    text: str
    thinking: str = ""
    tool_calls: tuple[ToolResult, ...] = ()
    finish: FinishReason = "stop"
    usage: Usage = field(default_factory=lambda: Usage(prompt=0, completion=0))
    timing: Timing = field(default_factory=Timing)
    logprobs: tuple[TokenLogprob, ...] = ()
    messages: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    id: str = ""
    model: str = ""
    created: int = 0
    index: int = 0

    def __str__(self) -> str:
        """Return the text."""
        return self.text

    def to_openai(self) -> dict[str, Any]:
        """Return the reply as OpenAI's interface has it: an object `chat.completion`, of the last turn."""
        choice: dict[str, Any] = {
            "index": 0,
            "message": ChatAnswer(text=self.text, thinking=self.thinking).to_openai(),
            "finish_reason": "length" if self.finish == "length" else "stop",
            "logprobs": {"content": [_openai_token(token) for token in self.logprobs]} if self.logprobs else None,
        }
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": {
                "prompt_tokens": self.usage.prompt,
                "completion_tokens": self.usage.completion,
                "total_tokens": self.usage.total,
                "prompt_tokens_details": {"cached_tokens": self.usage.cached},
            },
        }


def _openai_token(token: TokenLogprob) -> dict[str, Any]:
    found: dict[str, Any] = {"token": token.text, "bytes": list(token.data), "logprob": token.logprob}
    if token.top:
        found["top_logprobs"] = [_openai_token(each) for each in token.top]
    return found
