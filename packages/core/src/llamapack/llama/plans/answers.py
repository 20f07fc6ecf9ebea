"""One answer of the engine: read at once, or put together from the pieces of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llamapack.chat.answer import ChatAnswer
from llamapack.llama.plans.events import Event, PromptProgressEvent, TextEvent, ThinkingEvent
from llamapack.llama.plans.replies import FinishReason, Timing, TokenLogprob, Usage
from llamapack.typed.calls import ToolCall


@dataclass(kw_only=True)
class Answer:
    """What the model answered in one turn, as far as it is known."""

    text: str = ""
    thinking: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    finish: Literal["stop", "length", "tool_calls", "cancelled"] = "stop"
    usage: Usage = field(default_factory=lambda: Usage(prompt=0, completion=0))
    timing: Timing = field(default_factory=Timing)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    id: str = ""
    model: str = ""
    created: int = 0
    cached: int = 0  # tokens of the prompt that were known

    @property
    def reason(self) -> FinishReason:
        """Why the answer ended, as a reply says it."""
        return "stop" if self.finish == "tool_calls" else self.finish

    def message(self) -> dict[str, Any]:
        """Return the answer as a message of the conversation."""
        answer = ChatAnswer(text=self.text, thinking=self.thinking, tool_calls=tuple(self.calls))
        return answer.to_openai()

    def read(self, data: Mapping[str, Any]) -> None:
        """Take over what an answer, or a piece of a stream, says of the whole."""
        self.id = data.get("id") or self.id
        self.model = data.get("model") or self.model
        self.created = data.get("created") or self.created
        if usage := data.get("usage"):
            self.usage = read_usage(usage)
        if timings := data.get("timings"):
            self.timing = read_timing(timings)
            self.cached = timings.get("cache_n", 0)


def read_answer(data: Mapping[str, Any]) -> Answer:
    """Read an object `chat.completion`."""
    answer = Answer()
    answer.read(data)
    choice = data["choices"][0]
    message = choice["message"]
    answer.text = message.get("content") or ""
    answer.thinking = message.get("reasoning_content") or ""
    for number, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        answer.calls.append(
            ToolCall(id=call.get("id") or f"call_{number}", name=function["name"], arguments_json=function["arguments"])
        )
    answer.finish = choice["finish_reason"]
    answer.logprobs = read_logprobs((choice.get("logprobs") or {}).get("content") or ())
    return answer


class Assembler:
    """Puts an answer together from objects `chat.completion.chunk`."""

    def __init__(self) -> None:
        """Begin with an empty answer."""
        self.answer = Answer()
        self._calls: dict[int, dict[str, str]] = {}

    def add(self, chunk: Mapping[str, Any]) -> Sequence[Event]:
        """Add a piece, and return what it means."""
        self.answer.read(chunk)
        events: list[Event] = list(read_progress(chunk))
        for choice in chunk.get("choices", ())[:1]:
            self.answer.finish = choice.get("finish_reason") or self.answer.finish
            if logprobs := choice.get("logprobs"):
                self.answer.logprobs += read_logprobs(logprobs.get("content") or ())
            if delta := choice.get("delta"):
                events += self._delta(delta)
        return events

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        if thinking := delta.get("reasoning_content"):
            self.answer.thinking += thinking
            yield ThinkingEvent(text=thinking)
        if text := delta.get("content"):
            self.answer.text += text
            yield TextEvent(text=text)
        for part in delta.get("tool_calls") or ():
            call = self._calls.setdefault(part.get("index", 0), {"id": "", "name": "", "arguments": ""})
            call["id"] += part.get("id") or ""
            call["name"] += part.get("function", {}).get("name") or ""
            call["arguments"] += part.get("function", {}).get("arguments") or ""

    def done(self) -> Answer:
        """Return the answer when the stream has ended."""
        self.answer.calls = [
            ToolCall(id=call["id"] or f"call_{index}", name=call["name"], arguments_json=call["arguments"])
            for index, call in sorted(self._calls.items())
        ]
        return self.answer


def read_progress(chunk: Mapping[str, Any]) -> Iterator[Event]:
    """Yield what a piece of a stream says of the prompt's progress."""
    if progress := chunk.get("prompt_progress"):
        yield PromptProgressEvent(processed=progress["processed"], total=progress["total"], cached=progress["cache"])


def read_usage(data: Mapping[str, Any]) -> Usage:
    """Read an object `usage`."""
    return Usage(
        prompt=data["prompt_tokens"],
        completion=data.get("completion_tokens", 0),
        cached=(data.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
    )


def read_timing(data: Mapping[str, Any]) -> Timing:
    """Read llama.cpp's object `timings`."""
    return Timing(
        prompt_seconds=data["prompt_ms"] / 1000,
        prompt_tokens=data["prompt_n"],
        completion_seconds=data["predicted_ms"] / 1000,
        completion_tokens=data["predicted_n"],
        drafted=data.get("draft_n", 0),
        accepted=data.get("draft_n_accepted", 0),
    )


def read_logprobs(rows: Any) -> list[TokenLogprob]:
    """Read the list `content` of logprobs, or llama.cpp's `completion_probabilities`."""
    return [
        TokenLogprob(
            id=row["id"],
            text=row["token"],
            data=bytes(row["bytes"]),
            logprob=row["logprob"],
            top=tuple(read_logprobs(row.get("top_logprobs") or ())),
        )
        for row in rows
    ]
