"""Read what is typed, with prompt_toolkit: several lines, history, completion. The only module that imports it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import is_done
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.styles import Style

from llamapack.terminal.commands import COMMANDS
from llamapack.terminal.plain_input import MORE, PROMPT
from llamapack.terminal.settings import SETTINGS
from llamapack.terminal.state import quiet
from llamapack.terminal.wrapping import fitted

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.key_binding import KeyPressEvent

_STYLE = Style.from_dict({"bottom-toolbar": "noreverse fg:ansibrightblack", "prompt": "bold"})
_FILES = ("image", "save", "load", "model")


class Keyboard:
    """Reads what is typed. Enter sends it; Alt-Enter, or Enter behind a backslash, begins another line."""

    def __init__(self, history: Path | None) -> None:
        """Remember what is typed in the file `history`; None remembers it until the end only."""
        self._status: Sequence[str] = ()
        kept: History = InMemoryHistory() if history is None else _KeptHistory(os.fspath(history))
        self._session: PromptSession[str] = PromptSession(
            multiline=True,
            history=kept,
            key_bindings=_bindings(),
            completer=ChatCompleter(),
            complete_while_typing=False,
            style=_STYLE,
            prompt_continuation=_continuation,
            bottom_toolbar=self._toolbar,
            enable_open_in_editor=True,
            reserve_space_for_menu=4,
        )

    def attended(self) -> AbstractContextManager[None]:
        """Keep what is typed during the block, without showing it, until it is read."""
        return quiet()

    def read(self, status: Sequence[str]) -> str:
        """Return what was typed, with `status` below it meanwhile. Raises EOFError and KeyboardInterrupt."""
        self._status = status
        return self._session.prompt([("class:prompt", PROMPT)])

    def _toolbar(self) -> str:
        return fitted(self._status, self._session.app.output.get_size().columns)


class _KeptHistory(FileHistory):
    """A file with what was typed; on a full disk, it keeps what it has."""

    def store_string(self, string: str) -> None:
        """Write what was typed, if that is possible."""
        with suppress(OSError):
            super().store_string(string)


class ChatCompleter(Completer):
    """Completes commands, names of settings, and paths of files."""

    def __init__(self) -> None:
        """Begin."""
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what may stand at the cursor."""
        text = document.text_before_cursor
        command, space, rest = text.partition(" ")
        if not text.startswith("/"):
            return
        if not space:
            yield from _beginning_with(text, (f"/{name}" for name in COMMANDS))
        elif command == "/set":
            yield from _beginning_with(rest, SETTINGS)
        elif command[1:] in _FILES:
            yield from self._paths.get_completions(Document(rest), complete_event)


def _continuation(_width: int, _line: int, wraps: int) -> str:
    """Return what stands before a line that is not the first, or that goes on because it is too long."""
    return " " * len(MORE) if wraps else MORE


def _beginning_with(text: str, words: Iterable[str]) -> Iterable[Completion]:
    return (Completion(word, start_position=-len(text)) for word in words if word.startswith(text))


def _bindings() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~is_done)
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None
        elif buffer.document.current_line_before_cursor.endswith("\\") and not buffer.document.text_after_cursor:
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def _begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
