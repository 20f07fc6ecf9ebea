"""What the command lines of the benchmarks share."""

from __future__ import annotations

import argparse


def at_least_one(text: str) -> int:
    """Read a number of 1 or more."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
