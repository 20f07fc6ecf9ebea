"""Write an answer to standard output while it is generated."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import click


def print_pieces(pieces: Iterable[str], closing: Callable[[], str] | None = None) -> None:
    """Write `pieces` as they come, and then a new line, also after Ctrl-C, so that the shell's prompt begins one.

    `closing` returns a line for standard error. A terminal gets no characters that control it.
    """
    shown = _shown_in_a_terminal if sys.stdout is not None and sys.stdout.isatty() else str
    try:
        for piece in pieces:
            if sys.stdout is not None:  # click.echo would take what looks like colours out of the text
                sys.stdout.write(shown(piece))
                sys.stdout.flush()
    finally:
        if not isinstance(sys.exc_info()[1], OSError):  # a closed pipe or a full disk takes no more output
            click.echo()
            if closing is not None:
                click.echo(closing(), err=True)


def _shown_in_a_terminal(piece: str) -> str:
    from llamapack.terminal.safe_text import without_controls

    return without_controls(piece)
