"""Prompts as chat messages: a text, a list with files in it, or OpenAI's messages as they are."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from llamapack.errors import InputError

Message: TypeAlias = Mapping[str, Any]
"""A message as OpenAI's interface has it: `role`, `content`, and what else the role has."""

Prompt: TypeAlias = "str | Message | Sequence[str | Path | Message]"
"""A text; a list of texts and paths of pictures or sounds, which is one message; or a list of messages."""


def to_messages(prompt: Prompt, system: str | None = None) -> list[Message]:
    """Return the messages that a prompt stands for, behind a system message if there is one.

    Raises InputError for a prompt that is none, and for a file that cannot be read.
    """
    messages = _messages(prompt)
    if not messages:
        raise InputError("The prompt is empty.", fix="Give a text, or at least one message.")
    if system is None:
        return messages
    if not isinstance(system, str):
        raise InputError(f"system must be a text, not {system!r}.")
    if messages[0]["role"] == "system":
        raise InputError("There are two system messages.", fix="Leave `system` out, or the first message.")
    return [{"role": "system", "content": system}, *messages]


def _messages(prompt: Prompt) -> list[Message]:
    if isinstance(prompt, (str, Path)):
        return [{"role": "user", "content": _content([prompt])}]
    if isinstance(prompt, Mapping):
        return [_checked(prompt)]
    given: object = prompt
    if isinstance(given, (bytes, bytearray)) or not isinstance(given, Sequence):
        raise InputError(f"A prompt must be a text or a list, not {prompt!r}.")
    if any(isinstance(each, Mapping) and "role" in each for each in prompt):
        return [_checked(each) for each in prompt]
    return [{"role": "user", "content": _content(prompt)}] if prompt else []


def _checked(message: object) -> Message:
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        raise InputError(
            f"A message must have a role: {message!r}.", fix='Write it as {"role": "user", "content": "..."}.'
        )
    return message


def _content(parts: Sequence[str | Path | Message]) -> str | list[Message]:
    if all(isinstance(each, str) for each in parts):
        return "\n".join(map(str, parts))
    return [_part(each) for each in parts]


def _part(part: str | Path | Message) -> Message:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if isinstance(part, Path):
        return _file(part)
    given: object = part
    if isinstance(given, Mapping) and "type" in given:
        return given
    raise InputError(f"A part of a message must be a text or a path, not {part!r}.")


def _file(path: Path) -> Message:
    kind, _ = mimetypes.guess_type(path.name)
    try:
        data = base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise InputError(f"{path} cannot be read.", why=error.strerror or str(error), fix="Check the path.") from error
    if kind and kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}
    if kind and kind.startswith("audio/"):
        form = path.suffix.lstrip(".").lower()
        return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
    raise InputError(
        f"{path} is no picture or sound.",
        why=f"By its name it is {kind or 'of an unknown type'}.",
        fix="Give texts as str: path.read_text().",
    )
