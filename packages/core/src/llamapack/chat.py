"""Chat templates, rendered by llama.cpp's own engine."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._native.owner import Owner
from llamapack.errors import ChatTemplateError
from llamapack.model import Model

Message = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ChatPrompt:
    """Rendered messages: the text to complete, and the strings that end the answer beside the model's own tokens."""

    text: str
    stop: tuple[str, ...]


class ChatTemplate(Owner[api.llamapack_chat_templates_p]):
    """The chat template of a model, or one to use in its place."""

    _kind = "chat template"

    def __init__(self, model: Model, source: str | None = None) -> None:
        """Compile the template of `model`, or the Jinja text `source`; raises ChatTemplateError where that fails."""
        out = api.llamapack_chat_templates_p()
        text = None if source is None else source.encode()
        with _reporting("The chat template cannot be compiled.") as report:
            report.status = native().llamapack_chat_templates_init(
                model._handle, text, ctypes.byref(out), ctypes.byref(report.message)
            )
        super().__init__(out, native().llamapack_chat_templates_free, parent=model)

    @property
    def explicit(self) -> bool:
        """True when the model brought a template; False when ChatML stands in for it."""
        return bool(native().llamapack_chat_templates_explicit(self._handle))

    def apply(self, messages: Sequence[Message], *, add_generation_prompt: bool = True) -> ChatPrompt:
        """Render `messages`, each with `role` and `content` as in OpenAI's chat completions.

        `add_generation_prompt` opens the assistant's turn at the end. Raises ChatTemplateError for messages that the
        template refuses.
        """
        request = json.dumps({"messages": list(messages), "add_generation_prompt": add_generation_prompt})
        out = ctypes.c_char_p()
        with _reporting("The chat template refuses the messages.") as report:
            report.status = native().llamapack_chat_apply(
                self._handle, request.encode(), ctypes.byref(out), ctypes.byref(report.message)
            )
        response = json.loads(out.value or b"{}")
        native().llamapack_string_free(out)
        return ChatPrompt(text=response["prompt"], stop=tuple(response["additional_stops"]))


class _reporting:  # noqa: N801 - reads as a statement
    """Turn a status and a message from libllamapack into a ChatTemplateError."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.status = 0
        self.message = ctypes.c_char_p()

    def __enter__(self) -> _reporting:
        return self

    def __exit__(self, *_: object) -> None:
        why = (self.message.value or b"").decode("utf-8", "replace")
        native().llamapack_string_free(self.message)
        if self.status != 0:
            raise ChatTemplateError(self._what, why=why, fix="Check the roles, their order, and the template.")
