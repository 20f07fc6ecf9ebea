"""A text that is piped in."""

from __future__ import annotations

import sys

import click


def read_input(name: str, *, given: bool) -> bytes:
    """Read standard input to its end; `given` says that `-` asked for it, and `name` what it stands for.

    Raises click.UsageError where there is none, or where it is a terminal that nobody asked for.
    """
    if sys.stdin is None:
        raise click.UsageError(f"There is no {name}: standard input is closed. Give one, or pipe a text in.")
    if not given and sys.stdin.isatty():
        raise click.UsageError(f"There is no {name}. Give one, or pipe a text in.")
    return sys.stdin.buffer.read()
