"""What `inv vendor.clean --tracking` may remove: commits that another repository keeps, too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.toy_upstream import Toy, commit_files
from tools.errors import ToolError
from tools.git.repository import Git
from tools.vendoring.clean import clean


@pytest.mark.parametrize(
    "url", ["itself", "gone", "../../elsewhere", "file://elsewhere", "git@host:x", "https://host/x"]
)
def test_clean_counts_branches_of_remotes_that_stay(patched: Toy, tmp_path: Path, url: str) -> None:
    mine = commit_files(patched.git, {"LICENSE": "mine\n"}, "Mine\n")
    patched.git.run("update-ref", "refs/remotes/theirs/mine", mine)
    patched.git.run("reset", "--quiet", "--hard", "HEAD~1")
    if url.endswith("elsewhere"):
        shutil.copytree(patched.checkout.tracking, patched.checkout.root / "elsewhere")
        url = url.replace("//", f"//{patched.checkout.root}/")
    known = {"itself": str(patched.checkout.tracking), "gone": str(tmp_path / "gone")}
    patched.git.run("config", "remote.theirs.url", known.get(url, url))
    if url not in known:
        assert not clean(patched.checkout, tracking=True).saved
        return
    with pytest.raises(ToolError, match="branches and tags: refs/remotes/theirs/mine"):
        clean(patched.checkout, tracking=True)
    (saved,) = clean(patched.checkout, tracking=True, discard=True).saved
    assert Git.at(saved).id_of("refs/remotes/theirs/mine") == mine
