"""Markdown that is still being written: what of it is complete, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from markdown_it import MarkdownIt
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.padding import Padding
from rich.syntax import Syntax

from llamapack.terminal.safe_text import without_controls

if TYPE_CHECKING:
    from markdown_it.token import Token
    from rich.console import Console, ConsoleOptions, RenderResult

# What looks like HTML is text: rich would leave it out.
_PARSER = MarkdownIt().enable(["strikethrough", "table"]).disable(["html_block", "html_inline"])
STYLES = {"markdown.code": "cyan", "markdown.h1": "bold underline", "markdown.h2": "bold underline"}
_THEME = "ansi_dark"  # the colours of the terminal, and no background


class LeftHeading(Heading):
    """A heading at the left, as text has it; rich centres them."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the heading."""
        self.text.justify = "left"
        yield self.text


class IndentedCode(CodeBlock):
    """Code, behind two spaces; rich puts empty lines around it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the code, in the colours of the terminal."""
        code = Syntax(str(self.text).rstrip(), self.lexer_name, theme=_THEME, word_wrap=True)
        yield Padding(code, (0, 0, 0, 2))


class Block(Markdown):
    """Markdown to be shown; lines end where they end in the text."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": LeftHeading,
        "fence": IndentedCode,
        "code_block": IndentedCode,
    }

    def __init__(self, text: str) -> None:
        """Parse a text, without the characters in it that control a terminal."""
        super().__init__("", hyperlinks=False)
        self.parsed = _parse(without_controls(text))


class Blocks:
    """A text that grows: `take` returns the blocks that are complete, and `rest` is what is not."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.rest = ""

    def add(self, text: str) -> None:
        """Add a piece."""
        self.rest += text

    def take(self) -> str:
        """Return what will not change any more, and remove it: all blocks before the last one that has begun.

        A line decides where a block begins when it is complete: `2` may become the `2.` of a list.
        """
        complete = self.rest[: self.rest.rfind("\n") + 1]
        starts = sorted({token.map[0] for token in _parse(complete) if token.level == 0 and token.map})
        if len(starts) < 2:
            return ""
        lines = self.rest.splitlines(keepends=True)
        done, self.rest = "".join(lines[: starts[-1]]), "".join(lines[starts[-1] :])
        return done


def _parse(text: str) -> list[Token]:
    tokens = _PARSER.parse(text)
    _break_lines(tokens)
    return tokens


def _break_lines(tokens: Sequence[Token]) -> None:
    """Make breaks of the ends of lines: models write poems, addresses and lists that way."""
    for token in tokens:
        if token.type == "softbreak":
            token.type = "hardbreak"
        if token.children:
            _break_lines(token.children)
