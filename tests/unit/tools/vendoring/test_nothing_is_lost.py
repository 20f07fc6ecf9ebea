"""Work that only the tracking repository has: named before it is in danger, and saved before it is moved."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.toy_upstream import FILES, LINES, Toy, clone_tracking, commit_files, edited
from tools.errors import ToolError
from tools.git.repository import Git
from tools.paths import Checkout
from tools.vendoring.apply import Applied, ConflictError, abort_operation, apply_patches, continue_operation
from tools.vendoring.backups import backups
from tools.vendoring.bump import bump
from tools.vendoring.clean import clean
from tools.vendoring.create_patches import create_patches, new_patch
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync

BY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


@pytest.fixture
def conflicting(patched: Toy) -> Toy:
    """A checkout that stopped at a conflict in the second of three patches."""
    patched.pin(commit_files(patched.upstream, {"ggml/src/cpu.c": edited(20, "theirs 20")}, "Newer\n"))
    with pytest.raises(ConflictError):
        apply_patches(patched.checkout)
    return patched


@pytest.fixture
def cloned(patched: Toy) -> Toy:
    """A clone in the place of the tracking repository, which has no note of its base; with a commit of its own."""
    clone_tracking(patched)
    patched.commit("Mine", {"src/mine.cpp": "mine\n"})
    return patched


def move(toy: Toy) -> str:
    """Return a newer commit of the upstream."""
    return commit_files(toy.upstream, {"docs/manual.md": "2\n"}, "Newer\n")


MOVES: dict[str, Callable[[Toy, bool], object]] = {
    "apply": lambda toy, discard: apply_patches(toy.checkout, discard=discard),
    "bump": lambda toy, discard: bump(toy.checkout, move(toy), discard=discard),
}


@pytest.mark.parametrize("task", MOVES)
def test_commits_are_found_without_a_note_of_the_base(cloned: Toy, task: str) -> None:
    mine = cloned.git.id_of("HEAD")
    with pytest.raises(ToolError, match=r"(?m)commits that no patch file holds: \w+ Mine$"):
        MOVES[task](cloned, False)
    MOVES[task](cloned, True)
    (backup,) = backups(cloned.git)
    assert cloned.git.is_ancestor(mine, backup)


def test_clean_keeps_a_clone_with_commits(cloned: Toy) -> None:
    with pytest.raises(ToolError, match=r"commits that no patch file holds: \w+ Mine"):
        clean(cloned.checkout, tracking=True)
    assert cloned.git.exists


@pytest.mark.parametrize("task", MOVES)
def test_ignored_file_in_the_way_is_named_and_kept(patched: Toy, task: str) -> None:
    newer = commit_files(patched.upstream, {"src/made.log": "upstream's\n"}, "Newer\n")
    patched.git.run("config", "core.excludesFile", "unused")
    (patched.git.dir / "info").mkdir(exist_ok=True)
    (patched.git.dir / "info" / "exclude").write_text("*.log\n", encoding="utf-8")
    file = patched.write("src/made.log", "mine\n")
    if task == "apply":
        patched.pin(newer)

    def work(checkout: Checkout, *, discard: bool = False) -> Applied:
        return apply_patches(checkout, discard=discard) if task == "apply" else bump(checkout, newer, discard=discard)

    with pytest.raises(ToolError, match=r"ignored by git, and in the way of the new source: src/made.log"):
        work(patched.checkout)
    assert file.read_text(encoding="utf-8") == "mine\n"
    backup = work(patched.checkout, discard=True).backup
    assert patched.git.run("show", f"{backup}:src/made.log").stdout == "mine\n"
    assert file.read_text(encoding="utf-8") == "upstream's\n"


@pytest.mark.parametrize("task", MOVES)
def test_file_that_the_new_source_no_longer_ignores_is_kept(patched: Toy, task: str) -> None:
    ignoring = commit_files(patched.upstream, {".gitignore": "build/\n"}, "Ignore\n")
    bump(patched.checkout, ignoring)
    newer = commit_files(patched.upstream, {".gitignore": "other/\n"}, "Newer\n")
    file = patched.write("build/mine", "mine\n")
    if task == "apply":
        patched.pin(newer)
        apply_patches(patched.checkout)
    else:
        bump(patched.checkout, newer)
    saved = [patched.git.run("show", f"{ref}:build/mine").stdout for ref in backups(patched.git)]
    assert file.exists() or saved == ["mine\n"]


def test_file_that_only_an_edit_ignores_is_kept(patched: Toy) -> None:
    patched.write(".gitignore", "mine/\n")
    file = patched.write("mine/notes", "mine\n")
    apply_patches(patched.checkout, discard=True)
    assert file.read_text(encoding="utf-8") == "mine\n"
    assert not (patched.git.folder / ".gitignore").exists()


def test_file_that_git_was_told_to_forget_comes_back(patched: Toy) -> None:
    patched.git.run("rm", "--quiet", "--cached", "LICENSE")
    patched.write("LICENSE", "mine\n")
    backup = apply_patches(patched.checkout, discard=True).backup
    assert patched.git.run("show", f"{backup}:LICENSE").stdout == "mine\n"
    assert patched.git.run("status", "--porcelain").stdout == ""


def test_folder_in_the_place_of_a_file_is_saved(patched: Toy) -> None:
    (patched.git.folder / "LICENSE").unlink()
    patched.write("LICENSE/mine", "mine\n")
    backup = apply_patches(patched.checkout, discard=True).backup
    assert patched.git.run("show", f"{backup}:LICENSE/mine").stdout == "mine\n"
    assert patched.git.run("status", "--porcelain").stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_nothing_is_removed_where_a_link_leads(patched: Toy, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "notes"
    elsewhere.parent.mkdir()
    elsewhere.write_text("of nobody's business\n", encoding="utf-8")
    link = patched.git.folder / "link"
    link.symlink_to(elsewhere.parent)
    patched.commit("Link", {})
    link.unlink()
    patched.write("link/notes", "mine\n")
    backup = apply_patches(patched.checkout, discard=True).backup
    assert patched.git.run("show", f"{backup}:link/notes").stdout == "mine\n"
    assert elsewhere.exists()


def test_ignored_file_that_came_during_a_conflict_is_not_overwritten(conflicting: Toy) -> None:
    (conflicting.git.dir / "info").mkdir(exist_ok=True)
    (conflicting.git.dir / "info" / "exclude").write_text("new.cpp\n", encoding="utf-8")
    file = conflicting.write("src/new.cpp", "mine\n")
    with pytest.raises(ToolError, match=r"0003-add-a-file.patch would overwrite files .* not track: src/new.cpp"):
        continue_operation(conflicting.checkout, skip=True)
    assert file.read_text(encoding="utf-8") == "mine\n"
    file.unlink()
    assert [done.how for done in continue_operation(conflicting.checkout).done] == ["clean", "dropped", "clean"]


def test_clean_names_ignored_files_and_keeps_the_repository_as_it_was(patched: Toy, cache: Path) -> None:
    (patched.git.dir / "info").mkdir(exist_ok=True)
    (patched.git.dir / "info" / "exclude").write_text("build/\n", encoding="utf-8")
    patched.write("build/mine", "mine\n")
    with pytest.raises(ToolError, match="ignored by git: build/"):
        clean(patched.checkout, tracking=True)
    result = clean(patched.checkout, tracking=True, discard=True)
    assert [path.parent.parent for path in result.saved] == [cache / "backups"]
    assert (result.saved[0] / "build/mine").read_text(encoding="utf-8") == "mine\n"
    assert not patched.checkout.tracking.exists()


def test_commit_between_the_start_and_the_first_patch_is_kept(patched: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill right after the operation was written down leaves time for that."""
    patched.pin(move(patched))
    with monkeypatch.context() as patch:
        patch.setattr("tools.vendoring.apply.run_operation", interrupt)
        with pytest.raises(KeyboardInterrupt):
            apply_patches(patched.checkout)
    mine = patched.commit("Mine", {"src/mine.cpp": "mine\n"})
    result = continue_operation(patched.checkout)
    assert patched.git.is_ancestor(mine, result.backup)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_edit_that_git_was_told_to_overlook_is_named_and_kept(patched: Toy, flag: str) -> None:
    patched.pin(commit_files(patched.upstream, {"LICENSE": "theirs\n"}, "Newer\n"))
    patched.git.run("update-index", flag, "LICENSE")
    patched.write("LICENSE", "mine\n")
    with pytest.raises(ToolError, match=r"unstaged: LICENSE"):
        apply_patches(patched.checkout)
    backup = apply_patches(patched.checkout, discard=True).backup
    assert patched.git.run("show", f"{backup}:LICENSE").stdout == "mine\n"


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class TestConflict:
    """What a maintainer may do at a conflict, other than what is advised."""

    def resolve(self, toy: Toy) -> None:
        """Resolve it and stage it."""
        toy.write("ggml/src/cpu.c", edited(20, "both 20"))
        toy.git.run("add", "ggml/src/cpu.c")

    def test_plain_commit_is_taken_as_the_resolution(self, conflicting: Toy) -> None:
        self.resolve(conflicting)
        conflicting.git.run(*BY, "commit", "--quiet", "--message=Score it")
        assert [done.how for done in continue_operation(conflicting.checkout).done] == ["clean", "resolved", "clean"]
        assert conflicting.git.run("show", "HEAD:ggml/src/cpu.c").stdout == edited(20, "both 20")

    def test_plain_commit_with_markers_is_not(self, conflicting: Toy) -> None:
        conflicting.git.run("add", "--all")
        conflicting.git.run(*BY, "commit", "--quiet", "--message=Score it")
        with pytest.raises(ToolError, match=r"Conflict markers are in ggml/src/cpu.c"):
            continue_operation(conflicting.checkout)

    def test_quit_am_is_explained_and_what_it_left_can_become_the_patch(self, conflicting: Toy) -> None:
        self.resolve(conflicting)
        conflicting.git.run("am", "--quit")
        with pytest.raises(ToolError, match=r"was closed; what it left in .* is in no commit") as refusal:
            continue_operation(conflicting.checkout)
        assert "git add and git commit it there; then run: inv vendor.continue" in refusal.value.fix
        conflicting.git.run(*BY, "commit", "--quiet", "--message=Score it")
        assert continue_operation(conflicting.checkout).done[1].how == "resolved"

    @pytest.mark.parametrize("how", ["staged", "quit", "committed"])
    def test_skipped_resolution_is_named(self, conflicting: Toy, how: str, caplog: pytest.LogCaptureFixture) -> None:
        self.resolve(conflicting)
        if how == "quit":
            conflicting.git.run("am", "--quit")
        elif how == "committed":
            conflicting.git.run(*BY, "commit", "--quiet", "--message=Score it")
        result = continue_operation(conflicting.checkout, skip=True)
        assert conflicting.git.run("show", f"{result.backup}:ggml/src/cpu.c").stdout == edited(20, "both 20")
        assert any(result.backup in message for message in caplog.messages)

    def test_backup_is_named_even_if_the_next_patch_stops_it(
        self, conflicting: Toy, caplog: pytest.LogCaptureFixture
    ) -> None:
        third = conflicting.git.dir / "llamapack" / "series" / "0003-add-a-file.patch"
        third.write_bytes(third.read_bytes().replace(b"src/new.cpp", b"docs/manual.md"))
        self.resolve(conflicting)
        with pytest.raises(ConflictError, match=r"0003-add-a-file.patch"):
            continue_operation(conflicting.checkout, skip=True)
        (backup,) = backups(conflicting.git)
        assert any(backup in message for message in caplog.messages)

    def test_commits_on_our_branch_survive_an_abort_from_another_branch(self, conflicting: Toy) -> None:
        self.resolve(conflicting)
        conflicting.git.run(*BY, "commit", "--quiet", "--message=Mine")
        mine = conflicting.git.id_of("HEAD")
        conflicting.git.run("am", "--quit")
        conflicting.git.run("checkout", "--quiet", "--detach", "HEAD~1")
        assert conflicting.git.is_ancestor(mine, abort_operation(conflicting.checkout))


def test_half_resolved_files_that_are_staged_are_in_the_backup(patched: Toy) -> None:
    """Of a conflict in one file, git writes no tree of the index; what is staged in others must not be lost."""
    patched.git.run("checkout", "--quiet", "-b", "side", patched.base)
    patched.commit("Side", {"src/llama.cpp": edited(3, "side 3")})
    patched.git.run("checkout", "--quiet", "llamapack")
    assert patched.git.attempt(*BY, "merge", "side").returncode != 0
    patched.write("LICENSE", "staged\n")
    patched.git.run("add", "LICENSE")
    patched.write("LICENSE", "edited after that\n")
    backup = apply_patches(patched.checkout, discard=True).backup
    assert patched.git.run("show", f"{backup}:LICENSE").stdout == "edited after that\n"
    assert patched.git.run("show", f"{backup}^:LICENSE").stdout == "staged\n"


class TestNewPatch:
    """A patch that is refused leaves everything as it was."""

    @pytest.fixture
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A home folder without git's configuration."""
        folder = tmp_path / "home"
        folder.mkdir()
        for name, value in {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
        return folder

    def test_missing_identity_stages_nothing(self, patched: Toy, home: Path) -> None:
        patched.write("src/llama.cpp", "staged\n")
        patched.git.run("add", "src/llama.cpp")
        patched.write("src/llama.cpp", "edited\n")
        patched.write("src/more.cpp", "more\n")
        before = patched.state(), patched.git.ask("ls-files", "--stage")
        with pytest.raises(ToolError, match="git does not know who you are"):
            new_patch(patched.checkout, "Mine")
        assert (patched.state(), patched.git.ask("ls-files", "--stage")) == before

    def test_staged_content_that_was_replaced_is_kept(
        self, patched: Toy, home: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (home / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.org\n", encoding="utf-8")
        patched.write("src/mine.cpp", "staged\n")
        patched.git.run("add", "src/mine.cpp")
        patched.write("src/mine.cpp", "written over it\n")
        new_patch(patched.checkout, "Mine")
        assert patched.git.run("show", "HEAD:src/mine.cpp").stdout == "written over it\n"
        (backup,) = backups(patched.git)
        assert patched.git.run("show", f"{backup}^:src/mine.cpp").stdout == "staged\n"
        assert any(backup in message for message in caplog.messages)

    @pytest.mark.parametrize("how", ["staged", "deleted", "only in part"])
    def test_staged_content_that_is_still_there_needs_no_backup(self, patched: Toy, home: Path, how: str) -> None:
        (home / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.org\n", encoding="utf-8")
        if how == "deleted":
            patched.git.run("rm", "--quiet", "--cached", "LICENSE")
        else:
            patched.write("src/llama.cpp", "staged\n")
            patched.git.run("add", "src/llama.cpp")
        if how != "staged":
            patched.write("LICENSE", "not staged\n")
        new_patch(patched.checkout, "Mine")
        assert backups(patched.git) == ()

    @pytest.mark.parametrize("how", ["deleted", "written back"])
    def test_index_alone_makes_no_empty_patch(self, patched: Toy, home: Path, how: str) -> None:
        sync(patched.checkout)
        (home / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.org\n", encoding="utf-8")
        if how == "deleted":
            patched.git.run("rm", "--quiet", "--cached", "LICENSE")
        else:
            patched.write("LICENSE", "staged\n")
            patched.git.run("add", "LICENSE")
            patched.write("LICENSE", FILES["LICENSE"])
        before = patched.state(), patched.git.ask("ls-files", "--stage")
        with pytest.raises(ToolError, match="only its index is not as committed"):
            new_patch(patched.checkout, "Mine")
        assert (patched.state(), patched.git.ask("ls-files", "--stage")) == before
        (step,) = read_status(patched.checkout).next
        assert step.startswith("git reset, in vendor/llama.cpp")
        patched.git.run("reset", "--quiet")
        assert read_status(patched.checkout).next == ()

    def test_markers_are_not_committed(self, patched: Toy, home: Path) -> None:
        (home / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.org\n", encoding="utf-8")
        pop_into_conflict(patched)
        with pytest.raises(ToolError, match=r"Files in conflict: src/llama.cpp"):
            new_patch(patched.checkout, "Mine")
        patched.git.run("add", "--all")
        with pytest.raises(ToolError, match=r"Conflict markers are in src/llama.cpp"):
            new_patch(patched.checkout, "Mine")
        patched.write("src/llama.cpp", edited(3, "both"))
        commit = new_patch(patched.checkout, "Mine")
        assert patched.git.id_of("HEAD") == commit
        assert patched.state()["status"] == ""


def pop_into_conflict(toy: Toy) -> None:
    """Leave a conflict from `git stash pop`."""
    toy.write("src/llama.cpp", edited(3, "stashed"))
    toy.git.run(*BY, "stash", "--quiet")
    toy.commit("Mine", {"src/llama.cpp": edited(3, "committed")})
    assert toy.git.attempt(*BY, "stash", "pop").returncode != 0


def test_conflict_of_a_popped_stash_is_advised_on_to_its_end(patched: Toy) -> None:
    sync(patched.checkout)
    pop_into_conflict(patched)
    (step,) = read_status(patched.checkout).next
    assert step == "resolve src/llama.cpp and `git add` them, in vendor/llama.cpp (a popped stash is kept)"
    with pytest.raises(ToolError, match=r"Files in conflict: src/llama.cpp") as refusal:
        sync(patched.checkout)
    assert step in refusal.value.fix
    patched.write("src/llama.cpp", edited(3, "both"))
    patched.git.run("add", "src/llama.cpp")
    assert read_status(patched.checkout).next[0] == "inv vendor.sync (to build with the edits)"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
class TestLinks:
    """Tracking repositories that are not folders of their own."""

    def test_worktree_of_another_repository_works(self, patched: Toy, tmp_path: Path) -> None:
        folder, main = patched.checkout.tracking, tmp_path / "main"
        shutil.move(folder, main)
        Git.at(main).run("checkout", "--quiet", "--detach")
        Git.at(main).run("worktree", "add", "--quiet", folder, "llamapack")
        assert (folder / ".git").is_file()
        apply_patches(patched.checkout)
        assert create_patches(patched.checkout).is_same
        sync(patched.checkout)
        assert read_status(patched.checkout).next == ()
        patched.write("src/llama.cpp", "mine\n")
        assert apply_patches(patched.checkout, discard=True).backup
        with pytest.raises(ToolError, match=r"belongs to the repository .*, which is kept elsewhere"):
            clean(patched.checkout, tracking=True, discard=True)
        assert main.exists()

    def test_repository_with_other_worktrees_is_not_removed(self, patched: Toy, tmp_path: Path) -> None:
        patched.git.run("worktree", "add", "--quiet", "--detach", tmp_path / "other")
        with pytest.raises(ToolError, match=r"has other working trees: .*other"):
            clean(patched.checkout, tracking=True, discard=True)
        assert patched.git.exists

    def test_link_to_a_repository_works_and_is_not_removed(self, patched: Toy, tmp_path: Path) -> None:
        folder, main = patched.checkout.tracking, tmp_path / "main"
        shutil.move(folder, main)
        folder.symlink_to(main)
        assert not apply_patches(patched.checkout).changed
        sync(patched.checkout)
        with pytest.raises(ToolError, match=r"llama.cpp is a symbolic link to .*main"):
            clean(patched.checkout, tracking=True, discard=True)
        assert main.exists()

    def test_synced_tree_that_is_a_link_is_not_written_through(self, patched: Toy, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        patched.synced.parent.mkdir(parents=True)
        patched.synced.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ToolError, match=r"llama.cpp is a symbolic link, and \[core\]"):
            sync(patched.checkout)
        assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")
def test_names_that_are_not_utf8_are_shown_and_refused(patched: Toy) -> None:
    name = os.fsdecode(b"src/odd\xff.cpp")
    try:
        (patched.checkout.tracking / name).write_bytes(b"x\n")
    except OSError:
        pytest.skip("this file system has only Unicode names")
    with pytest.raises(ToolError, match=r"The name of upstream's src/odd\\udcff.cpp is not UTF-8") as refusal:
        sync(patched.checkout)
    assert str(refusal.value).isprintable() or "\n" in str(refusal.value)
    with pytest.raises(ToolError, match=r"untracked: src/odd\\udcff.cpp"):
        apply_patches(patched.checkout)
    backup = apply_patches(patched.checkout, discard=True).backup
    assert patched.git.run("show", f"{backup}:{name}").stdout == "x\n"


def test_toy_has_what_these_tests_use() -> None:
    assert {"LICENSE", "docs/manual.md"} <= set(FILES)
    assert LINES.startswith("line 1\n")
