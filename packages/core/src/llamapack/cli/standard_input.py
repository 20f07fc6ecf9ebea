"""Read a text from standard input."""

from __future__ import annotations

import sys

import click


def read_input(name: str, *, given: bool) -> bytes:
    """Read standard input to its end. `name` is the argument it replaces; `given` is True if `-` asked for it.

    Raises click.UsageError if there is no standard input, or if it is a terminal and `-` was not given.
    """
    if sys.stdin is None:
        raise click.UsageError(f"There is no {name}: standard input is closed. Give one, or pipe a text in.")
    if not given and sys.stdin.isatty():
        raise click.UsageError(f"There is no {name}. Give one, or pipe a text in.")
    return sys.stdin.buffer.read()
