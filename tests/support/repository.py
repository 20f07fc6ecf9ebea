"""The files of the repository and their texts, for tests of rules that apply to all of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.paths import ROOT


def files() -> list[Path]:
    """Return the files that git tracks, and new ones that it does not ignore."""
    try:
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listing = subprocess.run(words, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout, so there is no list of its files")
    return [path for name in sorted(listing.split("\0")) if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8", errors="replace")
