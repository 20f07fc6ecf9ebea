"""Find conflict markers that were left in files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.git.repository import Git

_CONFLICT = re.compile(rb"^<<<<<<< .*?^=======\r?$.*?^>>>>>>> ", re.MULTILINE | re.DOTALL)


def marked_files(git: Git, paths: Sequence[str]) -> tuple[str, ...]:
    """Return those files of the working tree that hold conflict markers."""
    files = [(path, git.folder / path) for path in paths]
    return tuple(path for path, file in files if file.is_file() and is_marked(file.read_bytes()))


def is_marked(content: bytes) -> bool:
    """Tell whether `content` holds the three markers of a conflict."""
    return bool(_CONFLICT.search(content))
