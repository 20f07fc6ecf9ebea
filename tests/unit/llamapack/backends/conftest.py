"""A folder of packages that Python searches first, with a cache of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from llamapack.backends.children.processes import MARK


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder at the front of `sys.path`; nothing is remembered, and plug-ins are asked as by default."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("LLAMAPACK_PROBE", "LLAMAPACK_PROBE_SECONDS", "LLAMAPACK_PROBE_PYTHON", MARK):
        monkeypatch.delenv(name, raising=False)
    return folder
