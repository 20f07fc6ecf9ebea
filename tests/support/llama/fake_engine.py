"""An engine without a model: it answers with JSON as llama.cpp's server writes it, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llamapack.errors import CancelledError
from llamapack.llama.core import Core
from llamapack.llama.plans.facts import Adapter, Facts
from llamapack.llama.plans.options import OnOverflow
from llamapack.llama.tasks import Recognised, Task

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 3,
    "total_tokens": 13,
    "prompt_tokens_details": {"cached_tokens": 4},
}
TIMINGS = {"cache_n": 4, "prompt_n": 6, "prompt_ms": 60.0, "predicted_n": 3, "predicted_ms": 30.0}
WHOLE = {"id": "chatcmpl-1", "model": "/models/toy.gguf", "created": 7, "usage": USAGE, "timings": TIMINGS}


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the engine answers to one request: a JSON value, or several of them as a stream."""

    status: int = 200
    value: Any = None
    stream: Sequence[Any] | None = None

    def pieces(self) -> list[bytes]:
        if self.stream is None:
            return [json.dumps(self.value).encode()]
        text = "".join(f"data: {json.dumps(each)}\n\n" for each in self.stream) + "data: [DONE]\n\n"
        half = len(text) // 2
        return [text[:half].encode(), text[half:].encode()]


@dataclass(kw_only=True)
class FakeResponse:
    """An answer for threads and for tasks."""

    given: Given
    cancelled: bool = False
    closed: bool = False

    @property
    def status(self) -> int:
        return self.given.status

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.given.pieces():
            if self.cancelled:
                raise CancelledError("The request was cancelled.")
            yield piece

    def read(self) -> bytes:
        return b"".join(self)

    def cancel(self) -> None:
        self.cancelled = True

    def close(self) -> None:
        self.closed = True


class FakeAsyncResponse(FakeResponse):
    """The same for tasks."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in FakeResponse.__iter__(self):
            yield piece

    async def read(self) -> bytes:  # type: ignore[override]  # as tasks read it
        return b"".join([piece async for piece in self])


@dataclass(kw_only=True)
class FakeEngine:
    """Answers the requests in turn, or by a function of the path and the body."""

    answers: Sequence[Given] | Callable[[str, Mapping[str, Any]], Given]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    responses: list[FakeResponse] = field(default_factory=list)
    closed: bool = False

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> FakeResponse:
        response = FakeResponse(given=self._next(path, body or {}))
        self.responses.append(response)
        return response

    async def request_async(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> FakeAsyncResponse:
        response = FakeAsyncResponse(given=self._next(path, body or {}))
        self.responses.append(response)
        return response

    def close(self) -> None:
        self.closed = True

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.asked]

    def _next(self, path: str, body: Mapping[str, Any]) -> Given:
        self.asked.append((path, json.loads(json.dumps(body))))
        return self.answers(path, body) if callable(self.answers) else self.answers[len(self.asked) - 1]


def core(
    *answers: Given,
    task: Task = "generate",
    thinks: bool = False,
    tools: bool = True,
    context: int = 100,
    on_overflow: OnOverflow = "error",
    adapters: Sequence[str] = (),
    vision: bool = True,
    audio: bool = True,
) -> tuple[Core, FakeEngine]:
    """Return what a Llama is over an engine that gives these answers, and the engine."""
    engine = FakeEngine(answers=answers)
    facts = Facts(
        name="toy.gguf",
        context=context,
        context_trained=100,
        slots=2,
        vocabulary=50,
        parameters=1_000_000,
        size=1 << 20,
        quantization="Q4_1",
        template_thinks=thinks,
        template_tools=tools,
        vision=vision,
        audio=audio,
        media_mark="<__media_1__>",
        greedy_samplers=None,
        adapters={name: Adapter(number=number, strength=0.5) for number, name in enumerate(adapters)},
    )
    found = Recognised(task=task, reason="it was asked for")
    return Core(engine=engine, facts=facts, recognised=found, on_overflow=on_overflow), engine


def said(text: str, finish: str = "stop", **message: Any) -> Given:
    """Return a whole answer of a chat."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    return Given(value={"object": "chat.completion", **WHOLE, "choices": [choice]})


def called(name: str, arguments: str, finish: str = "tool_calls") -> Given:
    """Return an answer that calls a tool."""
    call = {"id": "call-1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return said("", finish, tool_calls=[call])


def streamed(*deltas: Mapping[str, Any], finish: str = "stop") -> Given:
    """Return an answer that comes in pieces."""
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "finish_reason": None, "delta": dict(delta)}], "timings": TIMINGS} for delta in deltas
    ]
    end = {"choices": [{"index": 0, "finish_reason": finish, "delta": {}}]}
    return Given(stream=[*chunks, end, {**WHOLE, "choices": []}])


def refused(status: int, kind: str, message: str, **more: Any) -> Given:
    """Return an error as llama.cpp's server writes it."""
    return Given(status=status, value={"error": {"code": status, "type": kind, "message": message, **more}})


def too_long(tokens: int, context: int = 100) -> Given:
    """Return the error for a prompt of so many tokens."""
    return refused(400, "exceed_context_size_error", "too long", n_prompt_tokens=tokens, n_ctx=context)
