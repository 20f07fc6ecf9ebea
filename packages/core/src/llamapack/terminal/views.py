"""How an answer is shown: as markdown while it is written, or as plain text."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from rich.text import Text

from llamapack.llama import PromptProgressEvent, TextEvent, ThinkingEvent
from llamapack.terminal.live_region import LiveRegion
from llamapack.terminal.markdown import Block, Blocks
from llamapack.terminal.safe_text import without_controls
from llamapack.terminal.settings import Settings
from llamapack.terminal.wrapping import wrapped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import Console, RenderableType

    from llamapack.llama import Event

_PAUSE = 1 / 15  # seconds between two pictures: more would only flicker
_THINKING_LINES = 6


class View(Protocol):
    """Shows answers, one after the other, and what there is to say beside them."""

    def answering(self) -> AbstractContextManager[None]:
        """Show an answer during the block."""

    def event(self, event: Event) -> None:
        """Show what happens while it is written."""

    def tick(self) -> None:
        """Show what was not shown at once; called several times a second."""

    def note(self, text: str) -> None:
        """Say something to the user."""

    def error(self, text: str) -> None:
        """Say what went wrong."""


class PlainView:
    """Writes the text of answers as it comes, and nothing else, to standard output; the rest to standard error."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings."""
        self._settings = settings

    @contextmanager
    def answering(self) -> Iterator[None]:
        """End the answer with a new line."""
        self._thinks = False
        try:
            yield
        finally:
            if not isinstance(sys.exc_info()[1], OSError):  # a closed pipe takes no more
                sys.stdout.write("\n")
                sys.stdout.flush()

    def event(self, event: Event) -> None:
        """Write text; thinking, if it is to be shown, goes to standard error."""
        if isinstance(event, TextEvent):
            if self._thinks:
                self._thinks = False
                sys.stderr.write("\n")
            sys.stdout.write(_safe(event.text, sys.stdout))
            sys.stdout.flush()
        elif isinstance(event, ThinkingEvent) and self._settings.think == "show" and sys.stderr is not None:
            self._thinks = True
            sys.stderr.write(_safe(event.text, sys.stderr))
            sys.stderr.flush()

    def tick(self) -> None:
        """Do nothing: all is written at once."""

    def note(self, text: str) -> None:
        """Write a line to standard error."""
        if sys.stderr is not None:
            sys.stderr.write(f"{_safe(text, sys.stderr)}\n")

    def error(self, text: str) -> None:
        """Write a message to standard error."""
        self.note(f"llamapack: {text}")


def _safe(text: str, stream: TextIO) -> str:
    """Return a text for a stream; a terminal is not to obey it."""
    return without_controls(text) if stream.isatty() else text


class RichView:
    """Shows markdown while it is written: blocks that are complete stay, and the last one changes until it is."""

    def __init__(self, console: Console, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to `console`."""
        self._console = console
        self._settings = settings
        self._clock = clock
        self._reset()

    def _reset(self) -> None:
        self._region = LiveRegion(self._console)
        self._blocks = Blocks()
        self._thought = ""
        self._since: float | None = None  # when thinking began
        self._begun = False  # whether there is text
        self._shown = 0.0
        self._changed = False

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Show an answer; what is there of it at the end stays, whatever ended it."""
        self._reset()
        with self._region.active():
            try:
                yield
            finally:
                self._end_thinking()
                self._keep(self._blocks.take())
                self._keep(self._blocks.rest)
                self._region.keep(Text())

    def event(self, event: Event) -> None:
        """Take in what happens; the picture changes now and then."""
        if isinstance(event, ThinkingEvent):
            self._since = self._clock() if self._since is None else self._since
            self._thought += event.text
        elif isinstance(event, TextEvent):
            self._end_thinking()
            self._blocks.add(event.text if self._begun or self._blocks.rest else event.text.lstrip("\n"))
        elif isinstance(event, PromptProgressEvent) and event.processed < event.total:
            self._region.show(Text(f"reading the prompt: {event.processed} of {event.total} tokens", style="dim"))
            return
        self._changed = True
        self.tick()

    def tick(self) -> None:
        """Draw again if something has changed, and the last picture was shown for long enough."""
        now = self._clock()
        if not self._changed or now - self._shown < _PAUSE:
            return
        self._shown, self._changed = now, False
        if self._since is not None:
            self._region.show(self._dim(self._thought), self._most())
            return
        if done := self._blocks.take():
            self._keep(done)
        if self._blocks.rest.strip():
            self._region.show(self._shape(self._blocks.rest), apart=self._begun)

    def note(self, text: str) -> None:
        """Write a dim line."""
        self._print(text, "dim")

    def error(self, text: str) -> None:
        """Write a red message."""
        self._print(text, "red")

    def _print(self, text: str, style: str) -> None:
        lines = wrapped(without_controls(text), self._console.width)
        LiveRegion(self._console).keep(Text(lines, style=style))

    def _keep(self, text: str) -> None:
        if text.strip():
            self._region.keep(self._shape(text), apart=self._begun)
            self._begun = True

    def _shape(self, text: str) -> RenderableType:
        return Block(text) if self._settings.markdown else Text(without_controls(text.rstrip("\n")))

    def _dim(self, text: str) -> Text:
        return Text(without_controls(text.strip()), style="dim italic")

    def _most(self) -> int | None:
        return None if self._settings.think == "show" else _THINKING_LINES

    def _end_thinking(self) -> None:
        if self._since is None:
            return
        if self._settings.think == "show":
            self._region.keep(self._dim(self._thought))
        seconds = self._clock() - self._since
        self._region.keep(Text(f"thought for {seconds:.0f} s", style="dim"))
        self._since = None
        self._thought = ""
