"""Chat templates, rendered by llama.cpp's own engine."""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack._native.owner import Owner
from llamapack.errors import ChatTemplateError, InputError
from llamapack.model import Model

Message = Mapping[str, Any]

_ANSWER = "The answer."
_MARKER = re.compile(r"\s*(<[^<>\s]+>|\[[^\[\]\s]+\])")  # such as <|im_end|> or [END]


@dataclass(frozen=True, kw_only=True)
class ChatPrompt:
    """A rendered chat: the text to complete, and the strings that end the answer beside the model's end tokens."""

    text: str
    stop: tuple[str, ...]


class ChatTemplate(Owner[api.llamapack_chat_templates_p]):
    """The chat template of a model, or a Jinja text to use instead."""

    _kind = "chat template"

    def __init__(self, model: Model, source: str | None = None) -> None:
        """Compile the template of `model`, or the Jinja text `source`; raises ChatTemplateError if that fails."""
        if source is not None and not source.strip():
            raise ChatTemplateError("The chat template is empty.", fix="Leave it out for the model's own.")
        out, message = api.llamapack_chat_templates_p(), api.char_p()
        text = None if source is None else source.encode("utf-8", "surrogatepass")
        with model.using() as pointer:
            status = native().llamapack_chat_templates_init(pointer, text, ctypes.byref(out), ctypes.byref(message))
        _raise_unless_ok(status, message, "The chat template cannot be compiled.")
        super().__init__(out, native().llamapack_chat_templates_free, parent=model)
        self._vocab = model.vocab

    @property
    def explicit(self) -> bool:
        """True if the model has a chat template of its own; False if ChatML is used instead."""
        with self.using() as pointer:
            return bool(native().llamapack_chat_templates_explicit(pointer))

    def apply(
        self, messages: Sequence[Message], *, add_generation_prompt: bool = True, enable_thinking: bool = True
    ) -> ChatPrompt:
        """Render `messages`, each with `role` and `content` as in OpenAI's chat completions.

        `add_generation_prompt` adds the beginning of the assistant's turn. `enable_thinking=False` turns off the
        thinking of models whose template has a switch for it. Raises ChatTemplateError if the template rejects the
        messages.
        """
        response = self._render(messages, add_generation_prompt, enable_thinking)
        return ChatPrompt(text=response["prompt"], stop=(*response["additional_stops"], *self._end_of_turn))

    @cached_property
    def _end_of_turn(self) -> tuple[str, ...]:
        """Return the text that the template writes after an answer, unless it is an end token of the model.

        Without this stop string, a model for which the marker is plain text would go on and write the user's next
        message, too.
        """
        try:
            answered = self._render([{"role": "user", "content": "?"}, {"role": "assistant", "content": _ANSWER}])
            _, found, rest = answered["prompt"].rpartition(_ANSWER)
            end = _MARKER.match(rest)
            if not found or end is None:
                return ()
            tokens = self._vocab.tokenize(end[1], add_special=False, parse_special=True)
        except InputError:  # the template accepts no assistant message, or the vocabulary no text
            return ()
        return () if len(tokens) == 1 and self._vocab.is_end(tokens[0]) else (end[1],)

    def _render(
        self, messages: Sequence[Message], add_generation_prompt: bool = False, enable_thinking: bool = True
    ) -> dict[str, Any]:
        request = _encoded(
            {
                "messages": list(messages),
                "add_generation_prompt": add_generation_prompt,
                "enable_thinking": enable_thinking,
            }
        )
        out, message = api.char_p(), api.char_p()
        with self.using() as pointer:
            status = native().llamapack_chat_apply(pointer, request, ctypes.byref(out), ctypes.byref(message))
        _raise_unless_ok(status, message, "The chat template refuses the messages.")
        response: dict[str, Any] = json.loads(take_text(out))
        return response


def _encoded(request: object) -> bytes:
    try:
        return json.dumps(request, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ChatTemplateError("A message has half of a surrogate pair, which is no text.") from None
    except (TypeError, ValueError) as error:
        raise ChatTemplateError("The messages cannot be written as JSON.", why=str(error)) from None


def _raise_unless_ok(status: int, message: api.char_p, what: str) -> None:
    why = take_text(message)
    if status != api.llamapack_status.OK:
        raise ChatTemplateError(what, why=why, fix="Check the roles, their order, and the template.")
