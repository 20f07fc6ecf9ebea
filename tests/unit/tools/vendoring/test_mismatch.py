"""A copy is called what it is: pin or patches that changed elsewhere are applied first, or nothing is copied."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support.toy_upstream import Toy, commit_files, edited
from tools.errors import ToolError
from tools.git.repository import Git
from tools.util.files import remove_tree
from tools.vendoring.apply import apply_patches
from tools.vendoring.check import check
from tools.vendoring.create_patches import create_patches
from tools.vendoring.messages import status
from tools.vendoring.source.fetch import make_repository
from tools.vendoring.source.manifest import read_manifest
from tools.vendoring.source.pin import load_pin
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync

IGNORED = "/vendor/llama.cpp/\n/packages/\n/build/\n"


@pytest.fixture
def shared(patched: Toy) -> Toy:
    """Give a synced checkout whose patches and pin are committed, as a colleague's changes to them are."""
    sync(patched.checkout)
    (patched.checkout.root / ".gitignore").write_text(IGNORED, encoding="utf-8")
    commit_files(Git.create(patched.checkout.root), {}, "All\n")
    return patched


def change_patch(toy: Toy) -> None:
    file = toy.checkout.patches / "0002-score-it.patch"
    file.write_bytes(file.read_bytes().replace(b"+ours 20", b"+theirs 20"))


def add_patch(toy: Toy) -> None:
    text = toy.patches()["0003-add-a-file.patch"].replace(b"new.cpp", b"other.cpp")
    (toy.checkout.patches / "0004-more.patch").write_bytes(text)


def drop_patch(toy: Toy) -> None:
    (toy.checkout.patches / "0003-add-a-file.patch").unlink()


def move_pin(toy: Toy) -> None:
    toy.pin(commit_files(toy.upstream, {"src/more.cpp": "more\n"}, "Newer\n"))


PULLED: dict[str, tuple[Callable[[Toy], None], str]] = {
    "a changed patch": (change_patch, "these files of patches/ were never applied there: 0002-score-it.patch"),
    "a new patch": (add_patch, "these files of patches/ were never applied there: 0004-more.patch"),
    "a dropped patch": (drop_patch, "patches/ has changed since it was applied there"),
    "another pin": (move_pin, "it stands on .*, and .* is pinned"),
}


@pytest.mark.parametrize("pulled", PULLED)
def test_what_was_pulled_is_applied_before_it_is_copied(shared: Toy, pulled: str) -> None:
    change, words = PULLED[pulled]
    change(shared)
    commit_files(Git.at(shared.checkout.root), {}, "Of a colleague\n")
    before = {path: path.read_bytes() for path in shared.synced.rglob("*") if path.is_file()}
    assert read_status(shared.checkout).next == ("inv vendor.apply-patches",)
    with pytest.raises(ToolError, match=words) as refusal:
        sync(shared.checkout)
    assert refusal.value.fix == "Run: inv vendor.apply-patches vendor.sync"
    assert {path: path.read_bytes() for path in shared.synced.rglob("*") if path.is_file()} == before
    apply_patches(shared.checkout)
    create_patches(shared.checkout)
    sync(shared.checkout)
    assert read_status(shared.checkout).next == ()
    assert check(shared.checkout) == ()


def test_series_of_before_is_applied_again(shared: Toy) -> None:
    """What a switch to an older branch of the project does: those files were applied here once."""
    old = shared.patches()
    shared.commit("More", {"src/llama.cpp": edited(30, "more", edited(3, "ours 3"))})
    create_patches(shared.checkout)
    commit_files(Git.at(shared.checkout.root), {}, "More\n")
    for name in set(shared.patches()) - set(old):
        (shared.checkout.patches / name).unlink()
    assert read_status(shared.checkout).next == ("inv vendor.apply-patches",)
    with pytest.raises(ToolError, match="patches/ has changed since it was applied there"):
        sync(shared.checkout)


def test_new_commits_may_be_copied_before_they_are_written(shared: Toy) -> None:
    shared.commit("More", {"src/llama.cpp": edited(30, "more")})
    assert read_status(shared.checkout).next == ("inv vendor.create-patches",)
    sync(shared.checkout)
    assert b"more" in (shared.synced / "src/llama.cpp").read_bytes()


def test_repository_from_before_this_was_noted_is_taken_as_it_is(shared: Toy) -> None:
    (shared.git.dir / "llamapack" / "last.json").unlink()
    shared.commit("More", {"src/llama.cpp": edited(30, "more")})
    sync(shared.checkout)
    add_patch(shared)
    with pytest.raises(ToolError, match=r"never applied there: 0004-more.patch"):
        sync(shared.checkout)


def test_repository_without_its_patches_is_to_be_patched(shared: Toy) -> None:
    remove_tree(shared.checkout.tracking)
    make_repository(shared.checkout.tracking, load_pin(shared.checkout.pin_file))
    found = read_status(shared.checkout)
    assert found.next == ("inv vendor.apply-patches",)
    assert any("were never applied there: 0001-" in line for line in status(found))


def test_edit_in_the_moment_of_the_checkout_is_copied(shared: Toy) -> None:
    """One of the same length: only the index's own time tells git to look into the file."""
    file, index = shared.checkout.tracking / "src/llama.cpp", shared.git.dir / "index"
    shared.git.run("config", "core.trustctime", "false")
    shared.git.run("update-index", "--refresh")
    then = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_bytes(file.read_bytes().replace(b"ours 3", b"edit 3"))
    for path in (file, index):
        os.utime(path, ns=then)
    sync(shared.checkout)
    assert b"edit 3" in (shared.synced / "src/llama.cpp").read_bytes()


def test_many_edits_are_named_in_one_line_that_can_be_read(shared: Toy) -> None:
    for number in range(1000):
        shared.write(f"src/{number:04}.cpp", "")
    line = next(line for line in status(read_status(shared.checkout)) if "untracked" in line)
    assert line == "  untracked: " + ", ".join(f"src/{n:04}.cpp" for n in range(10)) + " and 990 more"


@pytest.mark.parametrize("where", ["fix", "no branch"])
def test_other_branch_is_copied_only_as_a_tree_of_ones_own(shared: Toy, where: str) -> None:
    words = ["--detach"] if where == "no branch" else ["-b", where]
    shared.git.run("checkout", "-q", *words, shared.base)
    with pytest.raises(ToolError, match=f"is on {where}, and the packages are made from llamapack") as refusal:
        sync(shared.checkout)
    assert "inv vendor.sync --source vendor/llama.cpp" in refusal.value.fix
    sync(shared.checkout, source=shared.checkout.tracking)
    manifest = read_manifest(shared.synced)
    assert manifest is not None
    assert (manifest.source, manifest.patches) == ("local", {})
    shared.git.run("checkout", "-q", "llamapack")
    sync(shared.checkout)
    assert check(shared.checkout) == ()


def test_commits_on_a_pin_that_moved_meanwhile_are_kept_as_the_message_says(shared: Toy) -> None:
    mine = shared.commit("Mine", {"src/tool.sh": "mine\n"})
    move_pin(shared)
    with pytest.raises(ToolError, match=r"no patch file holds: .* Mine") as refusal:
        apply_patches(shared.checkout)
    assert "git branch mine llamapack there, the same command again, git cherry-pick COMMIT there" in refusal.value.fix
    shared.git.run("branch", "mine", "llamapack")
    apply_patches(shared.checkout)
    shared.git.run("-c", "user.name=A", "-c", "user.email=a@b", "cherry-pick", mine)
    assert create_patches(shared.checkout).added == ("0004-mine.patch",)
    assert shared.git.id_of("refs/heads/mine") == mine
