"""How a download tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A function that a download calls: at the beginning of a file, now and then, and at its end."""

    def __call__(self, name: str, done: int, total: int, /) -> None:
        """Take the name of the file, the bytes that are here, and those in all.

        What it raises ends the download, which can be resumed.
        """
