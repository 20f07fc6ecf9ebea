"""Chat templates, rendered by llama.cpp's own engine."""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack._native.owner import Owner
from llamapack._util.arguments import check_bool, warn_caller
from llamapack.chat.answer import AnswerFormat
from llamapack.chat.messages import Message, checked_messages
from llamapack.chat.prompt import ChatPrompt
from llamapack.chat.tools import AnyTool, Offer, offer
from llamapack.errors import ChatTemplateError, InputError, PromptWarning
from llamapack.model import Model
from llamapack.sampling.grammar import Grammar, OnUnenforced, tell_unenforced

_ANSWER = "The answer."
_MARKER = re.compile(r"\s*(<[^<>\s]+>|\[[^\[\]\s]+\])")  # such as <|im_end|> or [END]
_CALLS_ARE_LOST = """The chat template passes over calls of tools in messages: the model does not see that it made them.
Write each call into the content of its message, as the model writes it."""
_CALLS_ARE_TEXT = """llama.cpp does not know how the model of this chat template writes calls of tools.
They are part of the answer's text, and no grammar holds for them."""
_TRIGGERS = ("token", "word", "pattern", "whole")  # llama.cpp's numbers of their types


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

    @property
    def supports_tools(self) -> bool:
        """True if the template shows tools to the model."""
        return self._can("supports_tools")

    def apply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[AnyTool] | None = None,
        tool_choice: str = "auto",
        parallel_tool_calls: bool | None = None,
        add_generation_prompt: bool = True,
        enable_thinking: bool = True,
        on_unenforced: OnUnenforced = "warn",
    ) -> ChatPrompt:
        """Render `messages`, each with `role` and `content` as in OpenAI's chat completions.

        `tools` are functions with types and a docstring, or dicts as in OpenAI's interface. `tool_choice` is "auto",
        "required", "none", or the name of the tool that must be called; the model may write a text before the call.
        `parallel_tool_calls` allows several calls in one answer, by default if the template has a form for that; with
        False, llama.cpp's grammars for some templates allow several all the same. Messages may have `tool_calls`, and
        the role "tool" for results. Parts of the tools' schemas that a grammar cannot hold are told as `on_unenforced`
        says: "warn" (SchemaWarning), "error" (GrammarError) or "ignore". A PromptWarning says if the template passes
        over calls in messages, or if llama.cpp does not know how the model writes calls.

        `add_generation_prompt` adds the beginning of the assistant's turn. `enable_thinking=False` turns off the
        thinking of models whose template has a switch for it.

        Raises ChatTemplateError if the template rejects the messages or has no place for tools, InputError for what is
        no tool, and GrammarError for a schema that cannot be used.
        """
        offered = offer(tools, tool_choice)
        given = checked_messages(messages, self._facts["sources"])
        request: dict[str, Any] = {
            "messages": given,
            "add_generation_prompt": check_bool("add_generation_prompt", add_generation_prompt),
            "enable_thinking": check_bool("enable_thinking", enable_thinking),
        }
        if parallel_tool_calls is not None:
            request["parallel_tool_calls"] = check_bool("parallel_tool_calls", parallel_tool_calls)
        if not self._can("supports_tool_calls") and any("tool_calls" in each for each in given):
            warn_caller(PromptWarning(_CALLS_ARE_LOST))
        if offered is not None:
            if not self.supports_tools:
                raise _no_place_for_tools()
            if offered.choice != "none":
                tell_unenforced(offered.unenforced, on_unenforced)
            more = {"tools": offered.tools, "tool_choice": offered.choice, "tool_grammars": offered.grammars}
            request.update(more)
        response = self._rendered(request)
        if offered is not None and not response["grammar"]:
            self._check_form(request, offered)
        return self._prompt(response, begun=add_generation_prompt)

    def _can(self, capability: str) -> bool:
        return bool(self._facts["capabilities"].get(capability))

    def _check_form(self, request: Mapping[str, Any], offered: Offer) -> None:
        """Raise ChatTemplateError, or warn, if llama.cpp does not know how the model writes a call."""
        if offered.choice == "required":
            raise ChatTemplateError(
                "A call cannot be required with this chat template.",
                why="llama.cpp does not know how the model writes one.",
                fix='Use tool_choice="auto", and look for calls in the text of the answer.',
            )
        if offered.choice == "auto" and not self._rendered({**request, "tool_choice": "required"})["grammar"]:
            warn_caller(PromptWarning(_CALLS_ARE_TEXT))

    def _prompt(self, response: Mapping[str, Any], *, begun: bool) -> ChatPrompt:
        beginning = response["generation_prompt"] if begun else ""
        start, ends = response["thinking_start"], response["thinking_ends"]
        return ChatPrompt(
            text=response["prompt"],
            stop=(*response["additional_stops"], *self._end_of_turn),
            grammar=self._grammar(response, beginning) if response["grammar"] else None,
            enforces_arguments=bool(response["grammar"]) and response["own_grammars"],
            preserved_tokens=frozenset(self._single(response["preserved_tokens"])),
            is_thinking=bool(start) and beginning.rfind(start) > max(map(beginning.rfind, ends), default=-1),
            format=AnswerFormat(name=response["format"], parser=response["parser"], generation_prompt=beginning),
        )

    def _grammar(self, response: Mapping[str, Any], beginning: str) -> Grammar:
        found: dict[str, list[Any]] = {name: [] for name in _TRIGGERS}
        for trigger in response["grammar_triggers"] if response["grammar_lazy"] else ():
            name = _TRIGGERS[trigger["type"]]
            found[name].append(trigger["token"] if name == "token" else trigger["value"])
        return Grammar(
            response["grammar"],
            trigger_words=tuple(found["word"]),
            trigger_patterns=(*found["pattern"], *map(_whole, found["whole"])),
            trigger_tokens=(*found["token"], *self._single(found["word"])),
            begun=beginning,
            thinking_start=response["thinking_start"] if response["thinking_ends"] else "",
            thinking_ends=tuple(response["thinking_ends"]) if response["thinking_start"] else (),
        )

    def _single(self, texts: Sequence[str]) -> Iterator[int]:
        """Yield the tokens of those texts that are one token."""
        for text in texts:
            tokens = self._vocab.tokenize(text, add_special=False, parse_special=True)
            if len(tokens) == 1:
                yield tokens[0]

    @cached_property
    def _end_of_turn(self) -> tuple[str, ...]:
        """Return the text that the template writes after an answer, unless it is an end token of the model.

        Without this stop string, a model for which the marker is plain text would go on and write the user's next
        message, too.
        """
        try:
            messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _ANSWER}]
            answered = self._rendered({"messages": messages, "add_generation_prompt": False})
            _, found, rest = answered["prompt"].rpartition(_ANSWER)
            end = _MARKER.match(rest)
            if not found or end is None:
                return ()
            tokens = self._vocab.tokenize(end[1], add_special=False, parse_special=True)
        except InputError:  # the template accepts no assistant message, or the vocabulary no text
            return ()
        return () if len(tokens) == 1 and self._vocab.is_end(tokens[0]) else (end[1],)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        out, message = api.char_p(), api.char_p()
        with self.using() as pointer:
            status = native().llamapack_chat_templates_facts(pointer, ctypes.byref(out), ctypes.byref(message))
        _raise_unless_ok(status, message, "The chat template cannot be read.")
        facts: dict[str, Any] = json.loads(take_text(out))
        return facts

    def _rendered(self, request: Mapping[str, Any]) -> dict[str, Any]:
        encoded, out, message = _encoded(request), api.char_p(), api.char_p()
        with self.using() as pointer:
            status = native().llamapack_chat_apply(pointer, encoded, ctypes.byref(out), ctypes.byref(message))
        _raise_unless_ok(status, message, "The chat template refuses the messages.")
        response: dict[str, Any] = json.loads(take_text(out))
        return response


def _whole(pattern: str) -> str:
    """Return a regular expression that matches a whole text only, as llama.cpp makes it."""
    return f"{'' if pattern.startswith('^') else '^'}{pattern}{'' if pattern.endswith('$') else '$'}"


def _no_place_for_tools() -> ChatTemplateError:
    return ChatTemplateError(
        "The chat template has no place for tools.",
        why="The model would not learn of them.",
        fix="Use a model that was trained to call tools, such as Qwen3, or give another template: "
        "ChatTemplate(model, source).",
    )


def _encoded(request: object) -> bytes:
    try:
        return json.dumps(request, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ChatTemplateError("A message has half of a surrogate pair, which is no text.") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ChatTemplateError("The messages cannot be written as JSON.", why=f"{error}.") from None


def _raise_unless_ok(status: int, message: api.char_p, what: str) -> None:
    why = take_text(message)
    if status != api.llamapack_status.OK:
        raise ChatTemplateError(what, why=why, fix="Check the roles, their order, and the template.")
