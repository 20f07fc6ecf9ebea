"""What the commands advise leads to an end, and what they cannot do is explained without a traceback."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.toy_upstream import Toy, commit_files, edited
from tools.errors import ToolError
from tools.git import repository
from tools.git.repository import Git
from tools.paths import ROOT
from tools.util import files
from tools.util.files import locked
from tools.util.logs import shown_by
from tools.util.scratch import temporary_folder
from tools.vendoring.apply import ConflictError, abort_operation, apply_patches, continue_operation
from tools.vendoring.bump import bump, preview_bump
from tools.vendoring.check import check
from tools.vendoring.clean import clean
from tools.vendoring.create_patches import create_patches, new_patch
from tools.vendoring.ensure import ensure_source
from tools.vendoring.plain_tree import patch_folder
from tools.vendoring.source.filters import load_filter
from tools.vendoring.source.pin import load_pin
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync

BY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
COMMANDS: dict[str, Callable[[Toy], object]] = {
    "apply": lambda toy: apply_patches(toy.checkout),
    "continue": lambda toy: continue_operation(toy.checkout),
    "abort": lambda toy: abort_operation(toy.checkout),
    "create": lambda toy: create_patches(toy.checkout),
    "new": lambda toy: new_patch(toy.checkout, "Mine"),
    "sync": lambda toy: sync(toy.checkout),
    "bump": lambda toy: bump(toy.checkout, "master"),
    "preview": lambda toy: preview_bump(toy.checkout, "master"),
    "check": lambda toy: check(toy.checkout),
    "clean": lambda toy: clean(toy.checkout, tracking=True),
    "ensure": lambda toy: ensure_source(toy.checkout.root),
}


class TestWords:
    """States in which following the advice once led back to where it began."""

    def test_gate_after_a_sync_of_edits_says_what_to_do_with_the_edits(self, patched: Toy) -> None:
        patched.write("src/llama.cpp", edited(9, "mine"))
        sync(patched.checkout)
        assert {line.partition(". ")[2] for line in check(patched.checkout) if "llama.cpp/src" in line} == {
            'Run: inv vendor.new-patch "What it does" (to keep the edits)'
        }

    def test_gate_after_a_sync_of_a_commit_says_to_write_it(self, patched: Toy) -> None:
        patched.commit("Mine", {"src/llama.cpp": edited(9, "mine")})
        sync(patched.checkout)
        assert all(line.endswith("Run: inv vendor.create-patches") for line in check(patched.checkout))
        create_patches(patched.checkout)
        sync(patched.checkout)
        assert check(patched.checkout) == ()

    def test_patch_of_a_colleague_beside_a_commit_of_ones_own(self, patched: Toy) -> None:
        mine = patched.commit("Mine", {"src/tool.sh": "mine\n"})
        theirs = patched.checkout.patches / "0004-theirs.patch"
        theirs.write_bytes(patched.patches()["0003-add-a-file.patch"].replace(b"new.cpp", b"other.cpp"))
        recipe = "git branch mine llamapack"
        for work in (apply_patches, create_patches):
            with pytest.raises(ToolError) as refusal:
                work(patched.checkout)
            assert recipe in refusal.value.fix
        assert read_status(patched.checkout).next[0].startswith(recipe)
        patched.git.run("branch", "mine", "llamapack")
        apply_patches(patched.checkout)
        patched.git.run(*BY, "cherry-pick", mine)
        assert list(create_patches(patched.checkout).series)[3:] == ["0004-add-a-file.patch", "0005-mine.patch"]

    def test_unlisted_file_is_to_be_moved(self, patched: Toy) -> None:
        sync(patched.checkout)
        (patched.synced / "stray.txt").write_text("x", encoding="utf-8")
        assert read_status(patched.checkout).next == (
            "move stray.txt away, or list them under `own` in vendor/sync.toml",
        )
        (patched.synced / "stray.txt").unlink()
        assert read_status(patched.checkout).next == ()

    @pytest.mark.parametrize("edit", [False, True])
    def test_other_branch_is_to_be_left_first(self, patched: Toy, edit: bool) -> None:
        sync(patched.checkout)
        patched.git.run("checkout", "--quiet", "-b", "other")
        if edit:
            patched.write("src/llama.cpp", "mine\n")
        assert read_status(patched.checkout).next == ("git checkout llamapack, in vendor/llama.cpp",)

    def test_commit_on_no_branch_gets_a_name_first(self, patched: Toy) -> None:
        sync(patched.checkout)
        patched.git.run("checkout", "--quiet", "--detach")
        mine = patched.commit("Mine", {"src/tool.sh": "mine\n"})
        assert read_status(patched.checkout).next == (
            "git branch mine HEAD; git checkout llamapack, in vendor/llama.cpp",
        )
        with pytest.raises(ToolError) as refusal:
            apply_patches(patched.checkout)
        assert "To keep it: git branch mine HEAD there, the same command again" in refusal.value.fix
        patched.git.run("branch", "mine", "HEAD")
        assert not apply_patches(patched.checkout).backup
        assert patched.git.id_of("refs/heads/mine") == mine
        assert read_status(patched.checkout).next == ()

    def test_commit_of_ours_is_written_after_going_there(self, patched: Toy) -> None:
        patched.commit("Mine", {"src/tool.sh": "mine\n"})
        patched.git.run("checkout", "--quiet", "--detach", patched.base)
        with pytest.raises(ToolError) as refusal:
            apply_patches(patched.checkout)
        assert "To keep it: git checkout llamapack there, then inv vendor.create-patches" in refusal.value.fix
        patched.git.run("checkout", "--quiet", "llamapack")
        assert create_patches(patched.checkout).added == ("0004-mine.patch",)

    def test_edit_on_another_branch_is_kept_by_a_commit_there(self, patched: Toy) -> None:
        patched.git.run("checkout", "--quiet", "-b", "other", patched.base)
        patched.write("src/tool.sh", "mine\n")
        with pytest.raises(ToolError) as refusal:
            apply_patches(patched.checkout)
        assert "To keep it: commit it there, then the same command again." in refusal.value.fix
        patched.commit("Mine", {})
        assert not apply_patches(patched.checkout).backup

    def test_branch_of_ours_that_was_removed_is_made_again(self, patched: Toy) -> None:
        """No advice names it, whatever HEAD has."""
        sync(patched.checkout)
        ours = patched.git.id_of("HEAD")
        patched.git.run("checkout", "--quiet", "--detach")
        patched.git.run("branch", "--quiet", "-D", "llamapack")
        for work in (create_patches, sync, lambda checkout: new_patch(checkout, "Mine")):
            with pytest.raises(ToolError) as refusal:
                work(patched.checkout)
            assert refusal.value.fix.startswith("Run: inv vendor.apply-patches")
        patched.write("src/tool.sh", "mine\n")
        assert read_status(patched.checkout).next[0] == (
            "git add --all; git commit, in vendor/llama.cpp (to keep the edits)"
        )
        patched.commit("Mine", {})
        assert (
            read_status(patched.checkout)
            .next[0]
            .startswith("git branch mine HEAD, in vendor/llama.cpp; inv vendor.apply-patches; git cherry-pick")
        )
        patched.git.run("branch", "mine", "HEAD")
        assert read_status(patched.checkout).next == ("inv vendor.apply-patches",)
        assert apply_patches(patched.checkout).head == ours
        assert read_status(patched.checkout).next == ()

    def test_branch_of_ours_that_was_removed_at_a_conflict(self, patched: Toy) -> None:
        patched.pin(commit_files(patched.upstream, {"ggml/src/cpu.c": edited(20, "theirs 20")}, "Newer\n"))
        with pytest.raises(ConflictError):
            apply_patches(patched.checkout)
        patched.write("ggml/src/cpu.c", edited(20, "both 20"))
        patched.git.run("add", "--all")
        patched.git.run("checkout", "--quiet", "--detach")
        patched.git.run("branch", "--quiet", "-D", "llamapack")
        with pytest.raises(ToolError, match="is on no branch, not on llamapack") as refusal:
            continue_operation(patched.checkout)
        assert "git checkout -b llamapack " in refusal.value.fix
        patched.git.run("checkout", "--quiet", "-b", "llamapack")
        assert [done.how for done in continue_operation(patched.checkout).done] == ["clean", "resolved", "clean"]

    @pytest.mark.parametrize("gone", [False, True])
    def test_branch_without_a_commit_is_to_be_left(self, patched: Toy, gone: bool) -> None:
        branch = "llamapack" if gone else "other"
        patched.git.run("checkout", "--quiet", "--detach")
        if gone:
            patched.git.run("branch", "--quiet", "-D", "llamapack")
        patched.git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        with pytest.raises(ToolError, match="is on a branch without a commit") as refusal:
            apply_patches(patched.checkout)
        command = refusal.value.fix.partition("run there: git ")[2].split()
        patched.git.run(*command)
        apply_patches(patched.checkout)
        assert patched.git.branch() == "llamapack"

    def test_tree_without_a_manifest_is_to_be_removed(self, patched: Toy) -> None:
        sync(patched.checkout)
        (patched.synced / "llamapack-manifest.json").unlink()
        (step,) = read_status(patched.checkout).next
        assert step.startswith("inv vendor.clean --discard ")
        clean(patched.checkout, discard=True)
        assert read_status(patched.checkout).next == ("inv vendor.sync",)

    def test_held_lock_is_said(self, tmp_path: Path) -> None:
        program = "import sys; from pathlib import Path; from tools.util.files import locked\n"
        program += "with locked(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
        lock, said = tmp_path / "vendor.lock", list[str]()
        argv = [sys.executable, "-c", program, str(lock)]
        with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            other.stdout.readline()
            handler, stdin = logging.Handler(), other.stdin

            def release(record: logging.LogRecord) -> None:
                said.append(record.getMessage())
                stdin.close()

            handler.emit = release  # type: ignore[method-assign]
            with shown_by(handler), locked(lock):
                pass
        assert said == [f"Waiting for another command, which holds {lock}"]


class TestExplained:
    """Nothing that a disk, a file or a git does shows a traceback."""

    @pytest.mark.parametrize("command", COMMANDS)
    def test_file_in_the_place_of_the_build_folder(self, patched: Toy, command: str) -> None:
        shutil.rmtree(patched.checkout.root / "build")
        (patched.checkout.root / "build").write_text("", encoding="utf-8")
        with pytest.raises(ToolError, match=r"^Something is in the way: .*\n.*build"):
            COMMANDS[command](patched)

    @pytest.mark.parametrize(("number", "words"), [(errno.EROFS, "Not allowed"), (errno.ENOSPC, "The disk is full")])
    @pytest.mark.parametrize("command", COMMANDS)
    def test_disk_that_takes_nothing(
        self, patched: Toy, monkeypatch: pytest.MonkeyPatch, command: str, number: int, words: str
    ) -> None:
        def refuse(_: object) -> bool:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(files, "try_lock", refuse)
        with pytest.raises(ToolError, match=f"^{words}: "):
            COMMANDS[command](patched)

    @pytest.mark.parametrize("command", [*COMMANDS, "status", "tree"])
    def test_old_git(self, patched: Toy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
        work: dict[str, Callable[[Toy], object]] = {
            **COMMANDS,
            "status": lambda toy: read_status(toy.checkout),
            "tree": lambda _: patch_folder(tmp_path, ()),
        }
        monkeypatch.setattr(repository, "_version", lambda _: "git version 2.17.1")
        with pytest.raises(ToolError, match=r"^git version 2\.17\.1 is too old\."):
            work[command](patched)

    def test_pin_and_filter_with_a_byte_order_mark_are_read(self, patched: Toy) -> None:
        wanted = load_pin(patched.checkout.pin_file), load_filter(patched.checkout.filter_file)
        for file in (patched.checkout.pin_file, patched.checkout.filter_file):
            file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
        assert (load_pin(patched.checkout.pin_file), load_filter(patched.checkout.filter_file)) == wanted
        assert not apply_patches(patched.checkout).changed

    def test_filter_without_a_section(self, patched: Toy) -> None:
        patched.checkout.filter_file.write_text("# nothing\n", encoding="utf-8")
        for command in (sync, lambda checkout: ensure_source(checkout.root), read_status, check, clean):
            with pytest.raises(ToolError, match=r"sync.toml has no section"):
                command(patched.checkout)

    def test_changelog_that_is_not_utf8(self, patched: Toy) -> None:
        path = patched.checkout.root / "CHANGELOG.md"
        path.write_bytes("# Änderungen\n\n## Unreleased\n".encode("latin-1"))
        bump(patched.checkout, commit_files(patched.upstream, {"docs/manual.md": "2\n"}, "Newer\n"))
        assert path.read_bytes().startswith("# Änderungen\n".encode("latin-1"))
        assert b"- llama.cpp is now at" in path.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
class TestPlainTree:
    """A source tree without git is patched inside its folder only."""

    def patch(self, toy: Toy, change: Callable[[], object]) -> None:
        """Add a patch of what `change` does in the tracking repository."""
        change()
        toy.commit("Change", {})
        create_patches(toy.checkout)

    def test_link_that_becomes_a_folder_is_not_followed(self, toy: Toy, tmp_path: Path) -> None:
        outside, tree = tmp_path / "outside", tmp_path / "tree"
        outside.mkdir()
        (toy.upstream.folder / "linked").symlink_to(outside)
        toy.pin(commit_files(toy.upstream, {}, "Link\n"))
        apply_patches(toy.checkout)
        (toy.checkout.tracking / "linked").unlink()
        self.patch(toy, lambda: toy.write("linked/file.txt", "new\n"))
        shutil.copytree(toy.upstream.folder, tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        from tools.git.patch import read_series

        assert patch_folder(tree, read_series(toy.checkout.patches)).applied == ("0001-change.patch",)
        assert list(outside.iterdir()) == []
        assert not (tree / "linked").is_symlink()
        assert (tree / "linked/file.txt").read_text(encoding="utf-8") == "new\n"

    def test_link_stays_a_link(self, toy: Toy, tmp_path: Path) -> None:
        from tools.git.patch import read_series

        apply_patches(toy.checkout)
        self.patch(toy, lambda: (toy.checkout.tracking / "linked").symlink_to("LICENSE"))
        tree = tmp_path / "tree"
        shutil.copytree(toy.upstream.folder, tree, ignore=shutil.ignore_patterns(".git"))
        patch_folder(tree, read_series(toy.checkout.patches))
        assert (tree / "linked").is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork and no SIGKILL on Windows")
def test_folders_of_killed_commands_are_swept(patched: Toy, cache: Path) -> None:
    child = os.fork()
    if child == 0:
        with temporary_folder("clone") as folder:
            (folder / "big").write_bytes(b"x" * 1000)
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(list((cache / "scratch").rglob("big"))) == 1
    with temporary_folder("clone") as mine:
        read_status(patched.checkout)
        assert mine.exists()
        assert list((cache / "scratch").rglob("big")) == []
    assert list((cache / "scratch").iterdir()) == []


def test_nothing_is_left_in_the_systems_folder_for_temporary_files(
    patched: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    sync(patched.checkout)
    check(patched.checkout)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert Git.at(patched.checkout.tracking).branch() == "llamapack"


def test_time_is_a_name_that_sorts() -> None:
    from tools.vendoring.backups import stamp

    first = stamp()
    time.sleep(0.001)
    assert first < stamp()
