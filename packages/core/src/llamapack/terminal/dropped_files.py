"""Images by path in what is typed: terminals write the path of a file that is dropped on them."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
_PATH = re.compile(r"""'([^']+)'|"([^"]+)"|((?:\\.|[^\s'"\\])+)""")  # quoted, or with backslashes before spaces


def find_images(text: str) -> tuple[str, list[Path]]:
    """Return a text without the paths of images that exist, and the paths.

    A path that is all there is of a line goes with it; within a sentence, the name of the file stays.
    """
    found: list[Path] = []

    def taken(match: re.Match[str]) -> str:
        path = _image(match)
        if path is None:
            return match[0]
        found.append(path)
        return path.name if _within(text, match) else ""

    rest = _PATH.sub(taken, text)
    return rest.strip() if found else text, found


def expanded(text: str) -> Path:
    """Return the path that a user typed or dropped, which may be quoted."""
    match = _PATH.fullmatch(text.strip())
    return _path(match) if match else Path(os.path.expanduser(text.strip()))  # noqa: PTH111  # Path's raises for ~nobody


def _within(text: str, match: re.Match[str]) -> bool:
    """Return whether there are words on both sides of it."""
    return bool(text[: match.start()].strip()) and bool(text[match.end() :].strip(" \t\n.,;:!?"))


def _image(match: re.Match[str]) -> Path | None:
    path = _path(match)
    try:
        return path if path.suffix.lower() in SUFFIXES and path.is_file() else None
    except OSError:  # a name that is too long
        return None


def _path(match: re.Match[str]) -> Path:
    quoted = match[1] or match[2]
    text = quoted if quoted else _unescaped(match[3])
    if text.startswith("file://"):
        with suppress(ValueError):  # what begins like an address and is none
            text = unquote(urlsplit(text).path)
    return Path(os.path.expanduser(text))  # noqa: PTH111  # Path's raises for ~nobody


def _unescaped(text: str) -> str:
    return text if os.name == "nt" else re.sub(r"\\(.)", r"\1", text)
