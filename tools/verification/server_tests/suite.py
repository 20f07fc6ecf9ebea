"""Take llama.cpp's tests of its server from the pinned source, without our patches."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tools.git.repository import Git
from tools.paths import TRACKING
from tools.util.files import remove_tree
from tools.vendoring.source.tracking import BASE

TESTS = Path("tools", "server", "tests")
"""The folder that the tests are run from."""
PARTS = (TESTS.as_posix(), "models/templates", "tools/mtmd/test-1.jpeg")
"""The tests, and what they read of the rest."""


def unpack(folder: Path) -> Path:
    """Write the tests into `folder`, of which nothing is kept; return the folder to run them from."""
    remove_tree(folder)
    folder.mkdir(parents=True)
    archive = folder / "tests.tar"
    Git.at(TRACKING).run("archive", "--format=tar", f"--output={archive}", BASE, *PARTS)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()
    (folder / TESTS / "tmp").mkdir()  # which they download into
    return folder / TESTS
