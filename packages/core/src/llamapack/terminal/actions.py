"""What each command of a chat does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import shorten
from typing import TYPE_CHECKING

from llamapack.errors import InputError, LlamapackError
from llamapack.terminal.commands import help_text
from llamapack.terminal.conversation import question_text
from llamapack.terminal.dropped_files import expanded
from llamapack.terminal.settings import SETTINGS

if TYPE_CHECKING:
    from llamapack.terminal.commands import Command
    from llamapack.terminal.conversation import Conversation

_NOTHING = ('""', "''")
_DIGITS = 9


class Actions:
    """Carries commands out; each returns what is to be said to the user."""

    def __init__(self, conversation: Conversation, change_model: Callable[[str], None]) -> None:
        """Take the conversation, and what makes it go on with another model."""
        self._conversation = conversation
        self._change_model = change_model
        self._actions: Mapping[str, Callable[[str], str]] = {
            "help": lambda _: help_text(),
            "system": self._system,
            "image": self._image,
            "undo": self._undo,
            "clear": self._clear,
            "save": self._save,
            "load": self._load,
            "model": self._model,
            "set": self._set,
            "stats": lambda _: conversation.statistics.summary(),
        }

    def carry_out(self, command: Command) -> str:
        """Carry out a command other than those of the loop itself, /retry and /quit. Raises LlamapackError."""
        try:
            return self._actions[command.name](command.argument)
        except OSError as error:  # a name that is too long, or a folder that may not be read
            if isinstance(error, LlamapackError):
                raise
            raise InputError(f"/{command.name} failed.", why=str(error), fix="Check the path.") from error

    def _system(self, text: str) -> str:
        if not text:
            return self._conversation.system or "There is no system message."
        self._conversation.set_system(None if text in _NOTHING else text)
        return "The system message is removed." if text in _NOTHING else "The system message is set."

    def _image(self, text: str) -> str:
        path = expanded(_needed("image", "PATH", text))
        self._conversation.add_image(path)
        return f"{path.name} goes with the next message."

    def _undo(self, text: str) -> str:
        if text and not (text.isdecimal() and len(text) <= _DIGITS):
            raise InputError(f"/undo takes a number, not {text[:60]!r}.")
        self._conversation.undo(int(text or 1))
        last = shorten(question_text(self._conversation.messages), 60, placeholder=" …")
        return f"The last question is now: {last}" if last else "The conversation is empty."

    def _clear(self, _: str) -> str:
        self._conversation.clear()
        return "The conversation is empty."

    def _save(self, text: str) -> str:
        path = expanded(_needed("save", "FILE", text))
        self._conversation.save(path)
        return f"{len(self._conversation.messages)} messages are in {path}."

    def _load(self, text: str) -> str:
        path = expanded(_needed("load", "FILE", text))
        self._conversation.load(path)
        return f"{len(self._conversation.messages)} messages were loaded."

    def _model(self, text: str) -> str:
        if text:
            self._change_model(text)
        return str(self._conversation.facts)

    def _set(self, text: str) -> str:
        settings = self._conversation.settings
        name, _, value = text.partition(" ")
        if not name:
            return "\n".join(
                f"{each:12} {settings.value(each):8} {setting.does} ({setting.values})"
                for each, setting in SETTINGS.items()
            )
        if value:
            settings.change(name, value.strip())
        elif name not in SETTINGS:
            settings.change(name, value)  # says which there are
        return f"{name} is {settings.value(name)}."


def _needed(command: str, what: str, text: str) -> str:
    if not text:
        raise InputError(f"/{command} needs a {what}.")
    return text
