"""The commands of a chat, and how a line is read as one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from llamapack.errors import InputError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "help": ("", "show this"),
    "system": ("[TEXT]", 'show or set the system message; "" removes it'),
    "image": ("PATH", "add an image to the next message; a path in a message does, too"),
    "undo": ("[N]", "forget the last question and its answer, or the last N"),
    "retry": ("", "ask the last question again"),
    "clear": ("", "begin a new conversation"),
    "save": ("FILE", "write the conversation to a file"),
    "load": ("FILE", "go on with a saved conversation"),
    "model": ("[MODEL]", "say what runs and where, or go on with another model"),
    "set": ("[NAME VALUE]", "show or change settings: think, markdown, temperature, ..."),
    "stats": ("", "say how many tokens there were, and how full the context is"),
    "quit": ("", "leave; so does Ctrl-D"),
}
"""By name: the arguments, and what it does."""

_SAME = {"exit": "quit", "bye": "quit", "?": "help"}


@dataclass(frozen=True, kw_only=True)
class Command:
    """A line that is a command."""

    name: str
    argument: str


def parse(text: str) -> Command | None:
    """Return the command that a line is, or None for a message. Raises InputError for one that does not exist.

    Paths such as `/home/ada/cat.png` are no commands, and `//` begins a message with one `/`.
    """
    first, _, rest = text.strip().partition(" ")
    if not first.startswith("/") or first.startswith("//") or "/" in first[1:] or "\n" in first:
        return None
    name = _SAME.get(first[1:], first[1:])
    if name in COMMANDS:
        return Command(name=name, argument=rest.strip())
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"Did you mean /{near[0]}?" if near else "/help lists them. For a message, write two: //."
    raise InputError(f"There is no command {first}.", fix=hint)


def message(text: str) -> str:
    """Return what a line says if it is no command."""
    return text[1:] if text.startswith("//") else text


def help_text() -> str:
    """Return what `/help` shows."""
    rows = [(f"/{name} {arguments}".rstrip(), does) for name, (arguments, does) in COMMANDS.items()]
    width = max(len(usage) for usage, _ in rows)
    lines = [f"{usage:{width}}  {does}" for usage, does in rows]
    keys = "Alt-Enter or a \\ at the end of a line begins another line. Ctrl-C stops an answer."
    return "\n".join([*lines, keys])
