"""Tokens, their pace, and how full the context is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llamapack.llama import Reply


@dataclass(kw_only=True)
class Statistics:
    """Counts of a conversation; `context` is how many tokens there is room for."""

    context: int
    used: int = 0
    answers: int = 0
    prompt: int = 0
    completion: int = 0
    seconds: float = 0.0
    last: str = ""

    def count(self, reply: Reply[str], tokens: int, seconds: float) -> None:
        """Count an answer: `tokens` in `seconds` if the reply does not say it, because it was stopped."""
        usage, timing = reply.usage, reply.timing
        written = usage.completion or tokens
        spent = timing.completion_seconds or seconds
        self.answers += 1
        self.prompt += usage.prompt
        self.completion += written
        self.seconds += spent
        self.used = (usage.prompt or self.used) + written
        self.last = ", ".join([*_pace(written, spent), self.fill(), *_ending(reply.finish)])

    def fill(self) -> str:
        """Say how much of the context is used."""
        return f"context {self.used} of {self.context}"

    def summary(self) -> str:
        """Say all of it, for `/stats`."""
        pace = _pace(self.completion, self.seconds)
        return "\n".join(
            [
                f"{_count(self.answers, 'answer')}: {', '.join(pace)}",
                f"{_count(self.prompt, 'token')} of prompts",
                f"{self.fill()} tokens ({100 * self.used / max(1, self.context):.0f} %)",
            ]
        )


def _pace(tokens: int, seconds: float) -> list[str]:
    return [_count(tokens, "token"), *([f"{tokens / seconds:.1f} tokens/s"] if seconds and tokens else [])]


def _ending(finish: str) -> list[str]:
    return {"cancelled": ["stopped"], "length": ["cut off at the limit of tokens"]}.get(finish, [])


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
