"""Write an answer to standard output while it is generated."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import click


def print_pieces(pieces: Iterable[str], closing: Callable[[], str] | None = None) -> None:
    """Write `pieces` as they come, and then a new line, also after Ctrl-C, so that the shell's prompt begins one.

    `closing` returns a line for standard error.
    """
    try:
        for piece in pieces:
            click.echo(piece, nl=False)
            sys.stdout.flush()
    finally:
        if not isinstance(sys.exc_info()[1], OSError):  # a closed pipe or a full disk takes no more output
            click.echo()
            if closing is not None:
                click.echo(closing(), err=True)
