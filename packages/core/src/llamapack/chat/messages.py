"""Checks of messages, which chat templates do not make: they pass over what they do not know."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from llamapack._util.arguments import check_sequence, did_you_mean
from llamapack.errors import ChatTemplateError
from llamapack.typed.codecs import shown

Message: TypeAlias = Mapping[str, Any]
"""A message as in OpenAI's chat completions: `role`, `content`, and what else the role has."""

_ROLES = ("system", "developer", "user", "assistant", "tool")


def checked_messages(messages: Sequence[Message], sources: Sequence[str]) -> list[dict[str, Any]]:
    """Return messages for the template, whose texts are `sources`; raises ChatTemplateError for what is wrong."""
    given = check_sequence("messages", messages)
    return [_checked(message, number, sources) for number, message in enumerate(given)]


def _checked(message: object, number: int, sources: Sequence[str]) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise _wrong(number, f"is no message: {message!r}.", 'Write it as {"role": "user", "content": "..."}.')
    role = message.get("role")
    if not isinstance(role, str):
        what = "has no role" if role is None else f"has the role {role!r}"
        raise _wrong(number, f"{what}.", f"A role is one of {', '.join(_ROLES)}.")
    if role not in _ROLES and not any(_names(source, role) for source in sources):
        fix = did_you_mean(role, _ROLES) or f"A role is one of {', '.join(_ROLES)}."
        raise _wrong(number, f"has the role {role!r}, which the chat template does not know.", fix)
    checked = {str(key): value for key, value in message.items()}
    if "tool_calls" in checked:
        calls = checked.pop("tool_calls") or ()
        if made := [_checked_call(call, number) for call in check_sequence("tool_calls", calls)]:
            checked["tool_calls"] = made
        else:
            checked.setdefault("content", "")
    return checked


def _names(source: str, role: str) -> bool:
    return re.search(rf"""(['"]){re.escape(role)}\1""", source) is not None


def _checked_call(call: object, number: int) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(function, Mapping) or not isinstance(name, str):
        form = '{"id": "...", "type": "function", "function": {"name": "...", "arguments": "{...}"}}'
        raise _wrong(number, f"has a call of no function: {call!r}.", f"Write it as {form}.")
    arguments = function.get("arguments")
    return {"type": "function", **call, "function": {**function, "arguments": _read(arguments, name, number)}}


def _read(arguments: object, name: str, number: int) -> object:
    """Return arguments, which are a JSON object or its text; models without any write none."""
    read, why = arguments, ""
    if arguments is None or isinstance(arguments, str):
        try:
            read = json.loads(arguments or "{}")
        except ValueError as error:
            why = f"{error}."
        except RecursionError:
            why = "They are nested too deeply."
    if not isinstance(read, Mapping):
        raise _wrong(number, f"calls {name} with arguments that are no JSON object: {shown(arguments)}", why=why)
    return arguments or "{}" if arguments is None or isinstance(arguments, str) else dict(read)


def _wrong(number: int, what: str, fix: str = "", *, why: str = "") -> ChatTemplateError:
    return ChatTemplateError(f"Message {number} {what}", why=why, fix=fix)
