"""Answers of models and what they mean, as llama.cpp's own test of chat templates has them: read out of its C++.

Only as much of the language is understood as the cases are written in: literals, lists, and calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tools.paths import TRACKING

SOURCE = TRACKING / "tests" / "test-chat.cpp"

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<raw>R"(?P<mark>[^()\s]*)\((?P<inside>.*?)\)(?P=mark)")
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<name>[A-Za-z_][\w:]*)
    |(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_TESTER = re.compile(r'peg_tester\(\s*(?:"models/templates/([^"]+)\.jinja"|(\w+))')
# What upstream's helpers take, in their order.
_HELPERS: Mapping[str, Sequence[str]] = {
    "simple_assist_msg": ("content", "thinking", "tool", "arguments"),
    "message_with_tool_calls": ("tool", "arguments"),
    "message_with_tool_calls_and_reasoning": ("tool", "arguments", "thinking"),
    "message_with_content_and_tool_call": ("content", "tool", "arguments"),
    "message_with_reasoning_and_tool_call": ("thinking", "tool", "arguments"),
    "message_with_reasoning_content_and_multiple_tool_calls": ("thinking", "content", "calls"),
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """What an answer means: `calls` are names and arguments."""

    content: str = ""
    thinking: str = ""
    calls: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One answer of a model: what it writes, what it was asked with, and what the answer means."""

    template: str
    written: str
    meant: Message
    asked: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[tuple[str, str, str], ...] = ()  # name, description, schema


@dataclass(frozen=True)
class Name:
    """A name in C++, or a call of it."""

    text: str
    arguments: tuple[Any, ...] | None = None


class _Reader:
    """Reads expressions; one that is not understood raises SyntaxError."""

    def __init__(self, source: str, at: int) -> None:
        self._source = source
        self._at = at
        self._next: re.Match[str] | None = None

    def peek(self) -> re.Match[str]:
        while self._next is None:
            found = _TOKEN.match(self._source, self._at)
            assert found
            self._at = found.end()
            self._next = None if found["space"] else found
        return self._next

    def take(self, wanted: str = "") -> re.Match[str]:
        found, self._next = self.peek(), None
        if wanted and found[0] != wanted:
            raise SyntaxError(f"{found[0]!r} instead of {wanted!r}")
        return found

    def value(self) -> Any:
        found = self._single()
        while self.peek()[0] == "+" or (isinstance(found, str) and (self.peek()["raw"] or self.peek()["text"])):
            if self.peek()[0] == "+":
                self.take()
            more = self._single()
            if not isinstance(found, str) or not isinstance(more, str):
                raise SyntaxError("only literals are joined here")
            found += more
        return found

    def _single(self) -> Any:
        token = self.take()
        if token["raw"] is not None:
            return token["inside"]
        if token["text"] is not None:
            return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), token["text"][1:-1])
        if token[0] == "{":
            return self.values("}")
        if token["name"] and self.peek()[0] == "(":
            self.take()
            return Name(token[0], self.values(")"))
        if token["name"]:
            return Name(token[0])
        raise SyntaxError(token[0])

    def values(self, end: str) -> tuple[Any, ...]:
        found = []
        while self.peek()[0] != end:
            found.append(self.value())
            if self.peek()[0] != end:
                self.take(",")
        self.take(end)
        return tuple(found)

    def chain(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield the calls of `.test(...).tools(...).run()`, each with its arguments."""
        while self.peek()[0] == ".":
            self.take()
            name = self.take()[0]
            self.take("(")
            yield name, self.values(")")


@cache
def cases() -> tuple[Case, ...]:
    """Return all cases that a whole answer of the model settles, in the order of the file."""
    source = SOURCE.read_text(encoding="utf-8")
    places = [(found.start(), found[1]) for found in _TESTER.finditer(source)]
    found = []
    for begin in re.finditer(r"\btst2?(?=\s*\.\s*test\()", source):
        name = next((name for at, name in reversed(places) if at < begin.start()), None)
        if name is None:
            continue  # a function or a loop over several templates
        with suppress(SyntaxError):  # it computes something
            if case := _case(source, name, dict(_Reader(source, begin.end()).chain())):
                found.append(case)
    return tuple(found)


# What a request of Llama has no words for, or a part of an answer.
_NOT_ASKED = {"is_partial", "messages", "continue_final_message", "add_generation_prompt", "json_schema"}


def _case(source: str, template: str, calls: Mapping[str, tuple[Any, ...]]) -> Case | None:
    form = calls.get("reasoning_format", (Name("COMMON_REASONING_FORMAT_NONE"),))[0].text
    written, meant = calls["test"][0], _meant(source, calls)
    if _NOT_ASKED & calls.keys() or not isinstance(written, str):
        return None
    if form.endswith("_NONE") and (meant.thinking or "think" in written.lower()):
        return None  # thinking is a part of the text there
    asked: dict[str, Any] = {}
    if "enable_thinking" in calls:
        asked["thinking"] = calls["enable_thinking"][0].text == "true"
    if "tool_choice" in calls:
        asked["tool_choice"] = calls["tool_choice"][0].text.rpartition("_")[2].lower()
    if "parallel_tool_calls" in calls:
        asked["parallel_tool_calls"] = calls["parallel_tool_calls"][0].text == "true"
    return Case(
        template=template,
        written=written,
        meant=meant,
        asked=asked,
        tools=tuple(_tool(source, each) for each in _resolved(source, calls.get("tools", ((),))[0])),
    )


def _resolved(source: str, value: Any) -> Any:
    return _defined(source, value.text) if isinstance(value, Name) and value.arguments is None else value


def _tool(source: str, value: Any) -> tuple[str, str, str]:
    title, description, schema = _resolved(source, value)
    return title, description, schema


def _meant(source: str, calls: Mapping[str, tuple[Any, ...]]) -> Message:
    whole = _message(source, calls["expect"][0]) if "expect" in calls else Message()
    listed = calls.get("expect_tool_calls", ((),))[0]
    return Message(
        content=calls.get("expect_content", (whole.content,))[0],
        thinking=calls.get("expect_reasoning", (whole.thinking,))[0],
        calls=tuple((each[0], each[1]) for each in listed) or whole.calls,
    )


def _message(source: str, value: Any) -> Message:
    made = _resolved(source, value)
    if not isinstance(made, Name) or made.text not in _HELPERS:
        raise SyntaxError(f"{made} makes no message")
    parts = dict(zip(_HELPERS[made.text], made.arguments or (), strict=False))
    calls = parts.get("calls", ((parts["tool"], parts.get("arguments", "")),) if parts.get("tool") else ())
    return Message(content=parts.get("content", ""), thinking=parts.get("thinking", ""), calls=tuple(calls))


@cache
def _defined(source: str, name: str) -> Any:
    """Return what a name stands for that is defined at the top of the file."""
    found = re.search(rf"(?m)^\s*(?:static |const )*[\w:<>]+ {name}\s*(=|(?={{))", source)
    if found is None:
        raise SyntaxError(f"{name} is not defined")
    return _Reader(source, found.end()).value()
