"""Answers taken apart by llama.cpp's own parsers: text, thinking and calls of tools."""

from __future__ import annotations

import ctypes
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack.errors import InputError, ReplyError
from llamapack.typed import ToolCall

_ID_LETTERS = 9  # some templates, such as Mistral's, take no other ids


@dataclass(frozen=True, kw_only=True)
class ChatAnswer:
    """An answer to a chat: its text, what the model thought before, and the tools that it calls."""

    text: str
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()

    def to_openai(self) -> dict[str, Any]:
        """Return the answer as a message of the conversation, in OpenAI's form."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.thinking:
            message["reasoning_content"] = self.thinking
        if self.tool_calls:
            message["tool_calls"] = [call.to_openai() for call in self.tool_calls]
        return message


@dataclass(frozen=True, kw_only=True)
class AnswerFormat:
    """How a model writes its answer to a prompt, as llama.cpp's chat layer says it."""

    name: str
    parser: str
    generation_prompt: str

    def read(self, text: str, *, partial: bool, seed: str) -> ChatAnswer:
        """Take an answer apart; ids that the model does not write are made of `seed`. Raises ReplyError."""
        response = self._parsed(text, partial)
        calls = [
            ToolCall(
                id=call["id"] or _call_id(seed, number), name=call["name"], arguments_json=call["arguments"] or "{}"
            )
            for number, call in enumerate(response["tool_calls"])
        ]
        return ChatAnswer(text=response["content"], thinking=response["thinking"], tool_calls=tuple(calls))

    def _parsed(self, text: str, partial: bool) -> Mapping[str, Any]:
        request = {
            "text": text,
            "partial": partial,
            "format": self.name,
            "parser": self.parser,
            "generation_prompt": self.generation_prompt,
        }
        try:
            encoded = json.dumps(request, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise InputError("The answer has half of a surrogate pair, which is no text.") from None
        out, message = api.char_p(), api.char_p()
        status = native().llamapack_chat_parse(encoded, ctypes.byref(out), ctypes.byref(message))
        why = take_text(message)
        if status == api.llamapack_status.CONFLICT:
            raise ReplyError(
                "The answer does not have the format of the chat template.",
                text=text,
                why=f"{why}.",
                fix="If it was cut off, use a larger max_tokens, or partial=True for what there is of it.",
            )
        if status != api.llamapack_status.OK:
            raise InputError("The answer cannot be read.", why=why)
        response: dict[str, Any] = json.loads(take_text(out))
        return response


def _call_id(seed: str, number: int) -> str:
    """Return the same id each time that an answer to the same prompt is read: text that is still growing, too."""
    return hashlib.sha256(f"{number} {seed}".encode()).hexdigest()[:_ID_LETTERS]
