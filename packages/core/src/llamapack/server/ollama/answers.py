"""llama.cpp's answers as Ollama's clients read them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from llamapack.server.reading import Json

_MILLISECOND = 1_000_000  # in nanoseconds, in which Ollama counts
_SECOND = 1_000_000_000


def now() -> str:
    """Return the time as Ollama writes it."""
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


@dataclass(kw_only=True)
class Piece:
    """What a part of an answer adds."""

    text: str = ""
    thinking: str = ""
    log_probabilities: list[dict[str, Any]] = field(default_factory=list)
    finish: str = ""


class Answer(ABC):
    """One answer that comes in parts, or whole: parts of llama.cpp's go in, objects of Ollama's come out."""

    def __init__(self, model: str, *, chat: bool, seconds_before: float) -> None:
        """Begin. `seconds_before` is what passed until a slot was free and the model loaded."""
        self._model = model
        self._chat = chat
        self._before = seconds_before
        self._finish = "stop"
        self._timings: Mapping[str, Any] = {}
        self._thinking = self._text = ""
        self._log_probabilities: list[dict[str, Any]] = []

    @abstractmethod
    def read(self, part: Json) -> Piece:
        """Read a part of llama.cpp's answer."""

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls of tools, all of them, at the end."""
        return []

    def feed(self, part: Json) -> Iterator[dict[str, Any]]:
        """Yield the objects that a part becomes."""
        piece = self._take(part)
        if piece.text or piece.thinking or piece.log_probabilities:
            yield self._object(piece.text, piece.thinking, piece.log_probabilities)

    def end(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Yield the last objects; `seconds` is how long all of it took."""
        if calls := self.calls():
            yield self._object("", "", [], calls)
        yield {**self._object("", "", []), "done": True, **self._numbers(seconds)}

    def whole(self, answer: Json, seconds: float) -> dict[str, Any]:
        """Return the one object that a whole answer becomes."""
        piece = self._take(answer)
        made = self._object(piece.text, piece.thinking, piece.log_probabilities, self.calls())
        return {**made, "done": True, **self._numbers(seconds)}

    def _take(self, part: Json) -> Piece:
        piece = self.read(part)
        self._finish = piece.finish or self._finish
        self._timings = part.get("timings") or self._timings
        return piece

    def _object(
        self,
        text: str,
        thinking: str,
        log_probabilities: list[dict[str, Any]],
        calls: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        about: dict[str, Any] = {"model": self._model, "created_at": now()}
        more = {"thinking": thinking} if thinking else {}
        if self._chat:
            message = {"role": "assistant", "content": text, **more, **({"tool_calls": calls} if calls else {})}
            made = {**about, "message": message, "done": False}
        else:
            made = {**about, "response": text, **more, "done": False}
        return {**made, **({"logprobs": log_probabilities} if log_probabilities else {})}

    def _numbers(self, seconds: float) -> dict[str, Any]:
        times = self._timings
        return {
            "done_reason": self._finish,
            "total_duration": int(seconds * _SECOND),
            "load_duration": int(self._before * _SECOND),
            "prompt_eval_count": int(times.get("prompt_n", 0)) + int(times.get("cache_n", 0)),
            "prompt_eval_duration": int(times.get("prompt_ms", 0) * _MILLISECOND),
            "eval_count": int(times.get("predicted_n", 0)),
            "eval_duration": int(times.get("predicted_ms", 0) * _MILLISECOND),
        }


class ChatAnswer(Answer):
    """An answer of `/v1/chat/completions`."""

    def __init__(self, model: str, *, chat: bool, seconds_before: float) -> None:
        """Begin without calls of tools."""
        super().__init__(model, chat=chat, seconds_before=seconds_before)
        self._calls: dict[int, dict[str, str]] = {}

    def read(self, part: Json) -> Piece:
        """Read a chunk, or a whole answer."""
        choices = part.get("choices") or [{}]
        choice = choices[0]
        message = choice.get("delta") or choice.get("message") or {}
        for position, call in enumerate(message.get("tool_calls") or []):
            known = self._calls.setdefault(call.get("index", position), {"name": "", "arguments": ""})
            for key in known:
                known[key] += call.get("function", {}).get(key) or ""
        finish = choice.get("finish_reason") or ""
        return Piece(
            text=message.get("content") or "",
            thinking=message.get("reasoning_content") or "",
            log_probabilities=[_log_probability(each) for each in (choice.get("logprobs") or {}).get("content") or []],
            finish="length" if finish == "length" else ("stop" if finish else ""),
        )

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls; arguments that were cut off are one text, without a name."""
        return [
            {"function": {"index": index, "name": call["name"], "arguments": _arguments(call["arguments"])}}
            for index, call in sorted(self._calls.items())
        ]


class TextAnswer(Answer):
    """An answer of `/completion` or `/infill`."""

    def read(self, part: Json) -> Piece:
        """Read a part, or a whole answer."""
        kind = part.get("stop_type", "none")
        return Piece(text=part.get("content") or "", finish={"limit": "length", "none": ""}.get(kind, "stop"))


def embeddings_of(answer: Json, dimensions: int) -> list[list[float]]:
    """Return the vectors of an answer in their order, cut to so many numbers; 0 leaves them as they are."""
    vectors = [each["embedding"] for each in sorted(answer["data"], key=lambda each: int(each["index"]))]
    return [_cut(vector, dimensions) for vector in vectors] if dimensions else vectors


def _cut(vector: list[float], dimensions: int) -> list[float]:
    short = vector[:dimensions]
    length = sum(number * number for number in short) ** 0.5
    return [number / length for number in short] if length else short


def _log_probability(token: Json) -> dict[str, Any]:
    found = {"token": token["token"], "logprob": token["logprob"]}
    if top := token.get("top_logprobs"):
        found["top_logprobs"] = [{"token": each["token"], "logprob": each["logprob"]} for each in top]
    return found


def _arguments(text: str) -> Any:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {"": text}
    return found if isinstance(found, dict) else {"": text}
