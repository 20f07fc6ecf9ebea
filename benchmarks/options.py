"""Command-line options that the benchmarks share."""

from __future__ import annotations

import argparse


def at_least_one(text: str) -> int:
    """Parse an integer of 1 or more."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
