"""The loop of a chat: what is typed is a command or a message, until the user leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from llamapack.errors import LlamapackError, PromptTooLongError, ReplyError
from llamapack.terminal.actions import Actions
from llamapack.terminal.answering import answer, interrupts
from llamapack.terminal.commands import message, parse
from llamapack.terminal.conversation import Conversation
from llamapack.terminal.dropped_files import find_images
from llamapack.terminal.safe_text import without_controls

if TYPE_CHECKING:
    from llamapack.llama import Llama, Stream
    from llamapack.terminal.settings import Settings
    from llamapack.terminal.views import View

_FULL = "Allow an answer fewer tokens (/set max_tokens N, or -n N), or start with a larger --ctx-size N."
LEAVE = "Ctrl-D or /quit leaves."


class Reader(Protocol):
    """Where messages and commands come from."""

    def attended(self) -> AbstractContextManager[None]:
        """Keep the terminal as reading needs it during the block, in which other things happen, too."""

    def read(self, status: Sequence[str]) -> str:
        """Return the next one, with `status` beside it if there is a place for that.

        Raises EOFError at the end, and KeyboardInterrupt for Ctrl-C.
        """


class Session:
    """A chat in a terminal or, if it is not `interactive`, by standard input: there the first error ends it."""

    def __init__(
        self,
        llm: Llama,
        reader: Reader,
        view: View,
        settings: Settings,
        *,
        open_model: Callable[[str], Llama],
        system: str | None = None,
        interactive: bool = True,
        commands: bool = True,
    ) -> None:
        """Begin a conversation with `llm`, which is closed at the end; `open_model` opens another one for `/model`.

        Without `commands`, all that is read are messages.
        """
        self._llm = llm
        self._reader = reader
        self._view = view
        self._settings = settings
        self._open = open_model
        self._interactive = interactive
        self._commands = commands
        self._conversation = Conversation(llm, settings, system)
        self._actions = Actions(self._conversation, self._change_model)

    def run(self, saved: Path | None = None) -> None:
        """Talk until the user leaves, from a saved conversation on if one is given; closes the model."""
        try:
            if saved is not None:
                self._conversation.load(saved)
            while (text := self._read()) is not None:
                try:
                    if not self._obey(without_controls(text)):
                        return
                except LlamapackError as error:
                    if not self._interactive:
                        raise _as_options(error) from error
                    self._view.error(str(_as_options(error)))
                except KeyboardInterrupt:  # while a model is loaded or downloaded, or between two things
                    if not self._interactive:
                        raise
                    self._conversation.restore()
                    self._view.note("stopped")
        finally:
            self._llm.close()

    def _read(self) -> str | None:
        """Return what was typed; None if the user leaves. Ctrl-C drops the line, and says how to leave."""
        while True:
            try:
                return self._reader.read(self._status())
            except EOFError:
                return None
            except KeyboardInterrupt:
                if not self._interactive:
                    raise
                self._view.note(LEAVE)

    def _status(self) -> Sequence[str]:
        facts, images = self._conversation.facts, len(self._conversation.images)
        added = f"{images} image{'s' if images > 1 else ''} added" if images else ""
        parts = (facts.model, self._conversation.statistics.fill(), added, "/help")
        return [part for part in parts if part]

    def _obey(self, text: str) -> bool:
        """Carry out a command, or say something; returns False if the user leaves."""
        if not text.strip():
            return True
        command = parse(text) if self._commands else None
        if command is None:
            self._say(message(text) if self._commands else text)
        elif command.name == "quit":
            return False
        elif command.name == "retry":
            self._retry()
        else:
            self._view.note(self._actions.carry_out(command))
        return True

    def _say(self, text: str) -> None:
        rest, images = find_images(text)
        if images and not self._conversation.takes_images:
            self._view.note(f"{self._conversation.facts.model} takes no images: the message has only their paths.")
            rest, images = text, []
        for path in images:
            self._view.note(f"{path.name} goes with this message.")
        self._answer(self._conversation.say(rest, images))
        self._conversation.said()

    def _retry(self) -> None:
        stream = self._conversation.retry()
        try:
            self._answer(stream)
        except LlamapackError:
            self._conversation.restore()
            raise

    def _answer(self, stream: Stream[str]) -> None:
        written = answer(stream, self._view)
        if written.reply is None:
            self._conversation.restore()
            self._view.note("stopped")
            return
        cut = written.reply.finish == "cancelled"
        tokens = self._conversation.count_tokens(written.reply.text) if cut else 0
        self._conversation.finish(written.reply, tokens, written.seconds)
        if self._interactive and self._settings.stats:
            self._view.note(f"[{self._conversation.statistics.last}]")

    def _change_model(self, reference: str) -> None:
        """Go on with another model; the one that was used stays if that fails, or is stopped."""
        opened = self._open(reference)
        with interrupts():
            self._conversation.use(opened)
            self._llm.close()
            self._llm = opened


def _as_options(error: LlamapackError) -> LlamapackError:
    """Return an error about the context with the options of the program, instead of the arguments of Llama."""
    if isinstance(error, ReplyError) and "ctx_size" in error.fix:
        return ReplyError(error.what, text=error.text, fix=_FULL)
    if isinstance(error, PromptTooLongError):
        return PromptTooLongError(error.what, why=error.why, fix="Shorten it, or start with a larger --ctx-size N.")
    return error
