"""Prompts as chat messages: a text, a list with images and audio in it, or OpenAI's messages as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from llamapack.errors import InputError
from llamapack.llama.plans.media import MediaReader
from llamapack.media_files.sources import is_array

Message: TypeAlias = Mapping[str, Any]
"""A message as OpenAI's interface has it: `role`, `content`, and what else the role has."""

Prompt: TypeAlias = "str | Message | Sequence[str | Path | Message | Any]"
"""A text; a list of texts, images and audio, which is one message; or a list of messages."""

MARK = "<__media__>"
"""Where an image or audio of `images` and `audio` stands in a text; llama.cpp's own mark."""


@dataclass(frozen=True, kw_only=True)
class Attached:
    """The images and audio that were given beside a prompt."""

    images: Sequence[Any] = ()
    audio: Sequence[Any] = ()

    @classmethod
    def of(cls, images: Any, audio: Any) -> Attached:
        """Return what was given: None, one, or a list or tuple of several."""
        return cls(images=_several(images), audio=_several(audio))

    def parts(self, reader: MediaReader) -> list[Message]:
        """Return them as parts of a message."""
        return [*map(reader.image, self.images), *map(reader.audio, self.audio)]

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.images or self.audio)


def _several(given: Any) -> Sequence[Any]:
    if given is None:
        return ()
    if isinstance(given, tuple) and len(given) == 2 and is_array(given[0]) and not is_array(given[1]):
        return [given]  # samples and their rate
    return given if isinstance(given, (list, tuple)) else [given]


def to_messages(
    prompt: Prompt, system: str | None = None, attached: Attached | None = None, reader: MediaReader | None = None
) -> list[Message]:
    """Return the messages that a prompt stands for, behind a system message if there is one.

    What is attached goes into the last message of the user. Messages with images or audio are new objects, with
    their files as llama.cpp takes them.

    Raises InputError for a prompt that is none, and for a file that cannot be used.
    """
    reader = reader or MediaReader()
    messages = [_with_files(message, reader) for message in _messages(prompt, reader)]
    if not messages:
        raise InputError("The prompt is empty.", fix="Give a text, or at least one message.")
    if attached:
        _attach(messages, attached.parts(reader))
    if system is None:
        return messages
    if not isinstance(system, str):
        raise InputError(f"system must be a text, not {system!r}.")
    if messages[0]["role"] == "system":
        raise InputError("There are two system messages.", fix="Leave `system` out, or the first message.")
    return [{"role": "system", "content": system}, *messages]


def _messages(prompt: Prompt, reader: MediaReader) -> list[Message]:
    if isinstance(prompt, (str, Path)):
        return [{"role": "user", "content": _content([prompt], reader)}]
    if isinstance(prompt, Mapping):
        return [_checked(prompt)]
    given: object = prompt
    if isinstance(given, (bytes, bytearray)) or not isinstance(given, Sequence):
        raise InputError(f"A prompt must be a text or a list, not {prompt!r}.")
    if any(isinstance(each, Mapping) and "role" in each for each in prompt):
        return [_checked(each) for each in prompt]
    return [{"role": "user", "content": _content(prompt, reader)}] if prompt else []


def _checked(message: object) -> Message:
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        raise InputError(
            f"A message must have a role: {message!r}.", fix='Write it as {"role": "user", "content": "..."}.'
        )
    return message


def _content(parts: Sequence[Any], reader: MediaReader) -> str | list[Message]:
    if all(isinstance(each, str) for each in parts):
        return "\n".join(map(str, parts))
    return [_part(each, reader) for each in parts]


def _part(part: object, reader: MediaReader) -> Message:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if isinstance(part, Mapping) and "type" in part:
        return part
    return reader.any(part)


def _with_files(message: Message, reader: MediaReader) -> Message:
    """Return a message with its images and audio as llama.cpp takes them; the same one if it has none."""
    content = message.get("content")
    if not isinstance(content, (list, tuple)):
        return message
    parts = [reader.part(part) for part in content]
    return (
        message if all(new is old for new, old in zip(parts, content, strict=True)) else {**message, "content": parts}
    )


def _attach(messages: list[Message], parts: list[Message]) -> None:
    """Put parts into the last message of the user: where its text has marks, or else before its content."""
    at = next((i for i in range(len(messages) - 1, -1, -1) if messages[i]["role"] == "user"), None)
    if at is None:
        raise InputError("There is no message of the user that the images and audio could be a part of.")
    content = messages[at].get("content") or []
    before = [{"type": "text", "text": content}] if isinstance(content, str) else [*content]
    messages[at] = {**messages[at], "content": place(before, parts)}


def place(content: Sequence[Message], parts: Sequence[Message]) -> list[Message]:
    """Return the parts of a message with others at the marks in its texts, or before it all if it has none.

    Raises InputError if there are not as many marks.
    """
    marks = sum(part["text"].count(MARK) for part in content if part.get("type") == "text")
    if not marks:
        return [*parts, *content]
    check_marks(marks, len(parts))
    rest = iter(parts)
    found: list[Message] = []
    for part in content:
        if part.get("type") != "text":
            found.append(part)
            continue
        for number, text in enumerate(part["text"].split(MARK)):
            found += [next(rest)] if number else []
            found += [{**part, "text": text}] if text else []
    return found


def check_marks(marks: int, media: int) -> None:
    """Raise InputError if there are not as many marks as images and audio."""
    if marks != media:
        raise InputError(
            f"There are {media} images and audio, but {marks} marks {MARK} in the prompt.",
            fix="Write one mark for each; without any, they stand before the text." if marks else "Write one for each.",
        )
