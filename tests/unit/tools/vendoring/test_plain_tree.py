"""Trees without git history: patched at most once, or used as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.toy_upstream import LINES, Toy, edited
from tools.errors import ToolError
from tools.git.patch import read_series
from tools.git.repository import Git
from tools.vendoring.check import check
from tools.vendoring.create_patches import create_patches
from tools.vendoring.ensure import ensure_source
from tools.vendoring.plain_tree import PlainResult, patch_folder
from tools.vendoring.source.manifest import read_manifest
from tools.vendoring.sync import sync


@pytest.fixture
def tarball(patched: Toy, tmp_path: Path) -> Path:
    """Give the upstream's files, as unpacked from an archive, inside another repository."""
    folder = tmp_path / "outer" / "llama.cpp-1.0"
    shutil.copytree(patched.upstream.folder, folder, ignore=shutil.ignore_patterns(".git"))
    Git.create(folder.parent).run("add", "--all")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


NAMES = ("0001-change-the-first-lines.patch", "0002-score-it.patch", "0003-add-a-file.patch")


def test_applying_twice_is_applying_once(patched: Toy, tarball: Path) -> None:
    series = read_series(patched.checkout.patches)
    assert patch_folder(tarball, series) == PlainResult(applied=NAMES, already=())
    once = content(tarball)
    assert once["src/llama.cpp"] == edited(3, "ours 3").encode()
    assert once["src/new.cpp"] == LINES.encode()
    times = {path: path.stat().st_mtime_ns for path in tarball.rglob("*")}
    assert patch_folder(tarball, series) == PlainResult(applied=(), already=NAMES)
    assert content(tarball) == once
    assert {path: path.stat().st_mtime_ns for path in tarball.rglob("*")} == times


def test_series_that_was_applied_in_part_is_completed(patched: Toy, tarball: Path) -> None:
    series = read_series(patched.checkout.patches)
    patch_folder(tarball, series[:2])
    assert patch_folder(tarball, series) == PlainResult(applied=NAMES[2:], already=NAMES[:2])


def test_patches_of_the_same_lines_are_applied_once(patched: Toy, tarball: Path) -> None:
    patched.commit("Change it again", {"src/llama.cpp": edited(3, "again 3")})
    create_patches(patched.checkout)
    series = read_series(patched.checkout.patches)
    patch_folder(tarball, series)
    assert len(patch_folder(tarball, series).already) == 4
    assert (tarball / "src/llama.cpp").read_bytes() == edited(3, "again 3").encode()


def test_tree_that_a_patch_does_not_fit_stays_as_it_was(patched: Toy, tarball: Path) -> None:
    (tarball / "ggml/src/cpu.c").write_text("something else\n", encoding="utf-8")
    before = content(tarball)
    with pytest.raises(ToolError, match=r"0002-score-it.patch does not apply to .*llama.cpp-1.0") as refusal:
        patch_folder(tarball, read_series(patched.checkout.patches))
    assert "ggml/src/cpu.c" in refusal.value.why
    assert content(tarball) == before


def test_own_tree_is_used_as_it_is(patched: Toy, tarball: Path) -> None:
    (tarball / "src/experiment.cpp").write_text("mine\n", encoding="utf-8")
    before = content(tarball)
    sync(patched.checkout, source=tarball)
    assert (patched.synced / "src/experiment.cpp").read_text(encoding="utf-8") == "mine\n"
    assert (patched.synced / "src/llama.cpp").read_bytes() == LINES.encode()
    assert content(tarball) == before
    manifest = read_manifest(patched.synced)
    assert manifest is not None
    assert (manifest.source, manifest.commit, manifest.patches) == ("local", manifest.source_tree, {})


def test_own_tree_can_be_patched_on_the_way(patched: Toy, tarball: Path) -> None:
    before = content(tarball)
    sync(patched.checkout, source=tarball, patch=True)
    assert (patched.synced / "src/llama.cpp").read_bytes() == edited(3, "ours 3").encode()
    assert content(tarball) == before
    manifest = read_manifest(patched.synced)
    assert manifest is not None
    assert tuple(manifest.patches) == NAMES


def test_builds_take_an_own_tree_and_say_so_and_the_gate_refuses_it(patched: Toy, tarball: Path) -> None:
    sync(patched.checkout, source=tarball)
    state = ensure_source(patched.checkout.root)
    assert (state.local, state.made) == (True, False)
    assert any("where it was copied from differs (local, now tracking)" in line for line in check(patched.checkout))
    sync(patched.checkout)
    assert not ensure_source(patched.checkout.root).local
    assert check(patched.checkout) == ()


def test_missing_folder_is_named(patched: Toy, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="nowhere is not a folder"):
        sync(patched.checkout, source=tmp_path / "nowhere")
