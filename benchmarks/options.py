"""Command-line options that the benchmarks share."""

from __future__ import annotations

import argparse
from pathlib import Path


def at_least_one(text: str) -> int:
    """Parse an integer of 1 or more."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def add_servers(parser: argparse.ArgumentParser, *, tokens: int, what: str) -> None:
    """Add what comparisons with llama.cpp's server and peers take; `what` they do at once, such as `Streams`."""
    parser.add_argument("--model", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--server", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--peers", default="", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", default=[], help="Compare only with this one; several times.")
    parser.add_argument("--rounds", type=at_least_one, default=8, help="Rounds that count (default: %(default)s).")
    parser.add_argument("--tokens", type=at_least_one, default=tokens, help="Length of answers (default: %(default)s).")
    parser.add_argument("--threads", type=int, help="Threads of all (default: llamapack's own choice).")
    parser.add_argument("--at-once", type=at_least_one, action="append", help=f"{what} at once; several times.")
