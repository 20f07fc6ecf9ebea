"""What the header of an image says, before any pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass


class DamagedError(Exception):
    """A file is not what it begins as; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """Width and height in pixels, as they are stored; `orientation` is Exif's number of how it is to be turned."""

    width: int
    height: int
    orientation: int = 1
    animated: bool = False
