"""Nothing is built that is not named: manifests say what the copied tree has, and what is unfinished is not copied."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.toy_upstream import FILES, HEADERS, Toy, commit_files, copy_toy, edited
from tools.errors import ToolError
from tools.git import repository
from tools.git.am import am
from tools.git.repository import Git
from tools.util import cmd
from tools.util.files import remove_tree
from tools.vendoring.apply import ConflictError, abort_operation, apply_patches, continue_operation
from tools.vendoring.bump import bump
from tools.vendoring.check import check
from tools.vendoring.create_patches import create_patches
from tools.vendoring.ensure import ensure_source
from tools.vendoring.messages import status
from tools.vendoring.source.manifest import read_manifest
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync

MARKED = "<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n"
OWN = f"{HEADERS}Conflict markers belong to: src/test.cpp\n"


def patches_of(toy: Toy) -> list[str]:
    """Return the patches that the manifest names."""
    manifest = read_manifest(toy.synced)
    assert manifest is not None
    return list(manifest.patches)


@pytest.fixture
def newer(patched: Toy) -> Toy:
    """A synced checkout with a pin that moved on; all patches apply there."""
    sync(patched.checkout)
    patched.pin(commit_files(patched.upstream, {"docs/manual.md": "2\n"}, "Newer\n"))
    return patched


def cut_off(toy: Toy, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Interrupt an apply before its patch of that number, as Ctrl-C does."""
    left = [number]

    def counted(*given: object) -> object:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return am(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("tools.vendoring.sequencer.am", counted)
        with pytest.raises(KeyboardInterrupt):
            apply_patches(toy.checkout)


class TestUnfinished:
    """An apply that was cut off, or closed by hand."""

    def test_interrupted_apply_is_not_copied_and_builds_say_continue(
        self, newer: Toy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cut_off(newer, monkeypatch, 3)
        for work in (lambda: sync(newer.checkout), lambda: ensure_source(newer.checkout.root)):
            with pytest.raises(ToolError) as refusal:
                work()
            assert "inv vendor.continue; or inv vendor.abort" in refusal.value.fix
        continue_operation(newer.checkout)
        sync(newer.checkout)
        assert len(patches_of(newer)) == 3
        assert check(newer.checkout) == ()

    def test_aborted_am_is_not_copied(self, patched: Toy) -> None:
        sync(patched.checkout)
        patched.pin(commit_files(patched.upstream, {"ggml/src/cpu.c": edited(20, "theirs 20")}, "Newer\n"))
        with pytest.raises(ConflictError):
            apply_patches(patched.checkout)
        patched.git.run("am", "--abort")
        with pytest.raises(ToolError, match="An unfinished apply is open"):
            sync(patched.checkout)

    def test_lost_journal_is_not_taken_for_a_finished_apply(self, newer: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
        cut_off(newer, monkeypatch, 3)
        (newer.git.dir / "llamapack" / "operation.json").unlink()
        with pytest.raises(ToolError, match=r"are not applied there: 0003-add-a-file.patch") as refusal:
            sync(newer.checkout)
        assert refusal.value.fix == "Run: inv vendor.apply-patches vendor.sync"

    def test_commit_made_after_a_kill_is_not_taken_for_a_patch(
        self, newer: Toy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cut_off(newer, monkeypatch, 2)
        mine = newer.commit("Mine", {"src/mine.cpp": "mine\n"})
        with pytest.raises(ToolError, match=r"was committed by hand; 0002-score-it.patch is the next patch"):
            continue_operation(newer.checkout)
        newer.git.run("branch", "mine")
        newer.git.run("checkout", "--quiet", "-B", "llamapack", "HEAD~1")
        assert [done.how for done in continue_operation(newer.checkout).done] == ["clean"] * 3
        assert newer.git.id_of("refs/heads/mine") == mine

    def test_abort_brings_the_note_of_the_series_back(self, newer: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
        cut_off(newer, monkeypatch, 3)
        abort_operation(newer.checkout)
        newer.pin(newer.git.id_of("refs/llamapack/base"))
        assert read_status(newer.checkout).next == ()


class TestNamedPatches:
    """The manifest names the patches that the tree has, whatever patches/ has."""

    def test_dropped_commit_is_not_named_and_builds_say_so(
        self, patched: Toy, caplog: pytest.LogCaptureFixture
    ) -> None:
        patched.git.run("reset", "--quiet", "--hard", "HEAD~1")
        sync(patched.checkout)
        assert patches_of(patched) == ["0001-change-the-first-lines.patch", "0002-score-it.patch"]
        caplog.clear()
        ensure_source(patched.checkout.root)
        assert "is without these patches as patches/ has them: 0003-add-a-file.patch" in caplog.text
        assert any("without 0003-add-a-file.patch" in line for line in status(read_status(patched.checkout)))

    def test_reverted_patch_is_not_named(self, patched: Toy) -> None:
        patched.git.run("-c", "user.name=A", "-c", "user.email=a@b", "revert", "--no-edit", "HEAD~1")
        sync(patched.checkout)
        assert patches_of(patched) == ["0001-change-the-first-lines.patch", "0003-add-a-file.patch"]

    def test_patch_whose_file_is_edited_is_not_named(self, patched: Toy) -> None:
        patched.write("ggml/src/cpu.c", FILES["ggml/src/cpu.c"])
        sync(patched.checkout)
        assert patches_of(patched) == ["0001-change-the-first-lines.patch", "0003-add-a-file.patch"]

    def test_changed_patch_files_make_the_tree_stale(self, patched: Toy) -> None:
        sync(patched.checkout)
        file = patched.checkout.patches / "0002-score-it.patch"
        file.write_bytes(file.read_bytes().replace(b"+ours 20", b"+theirs 20"))
        with pytest.raises(ToolError, match="patches/ has changed since"):
            ensure_source(patched.checkout.root)

    def test_rebased_branch_is_not_called_the_pinned_one(self, patched: Toy) -> None:
        patched.git.run("checkout", "--quiet", "--orphan", "other")
        patched.commit("All at once", {})
        patched.git.run("branch", "--force", "llamapack", "other")
        patched.git.run("checkout", "--quiet", "llamapack")
        with pytest.raises(ToolError, match="llamapack does not stand on the pinned"):
            sync(patched.checkout)

    def test_pin_of_other_trees_is_refused_by_a_sync(self, patched: Toy) -> None:
        patched.pin(patched.base, tree="e" * 40)
        with pytest.raises(ToolError, match=f"but vendor/llama.cpp.toml pins {'e' * 40}"):
            sync(patched.checkout)


class TestOwnTree:
    """`sync --source`: a tree of the developer's own."""

    @pytest.fixture
    def own(self, patched: Toy, tmp_path: Path) -> Path:
        """A tree of llama.cpp without git."""
        sync(patched.checkout)
        folder = tmp_path / "own"
        shutil.copytree(patched.upstream.folder, folder, ignore=shutil.ignore_patterns(".git"))
        return folder

    def test_status_and_builds_say_so_and_how_to_come_back(
        self, patched: Toy, own: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        sync(patched.checkout, source=own)
        found = read_status(patched.checkout)
        assert found.next == ("inv vendor.sync (back to the pinned llama.cpp)",)
        assert any(line.endswith("a copy of a tree of your own, not of the pinned llama.cpp") for line in status(found))
        ensure_source(patched.checkout.root)
        assert "is a tree of your own, not the pinned llama.cpp. Back to that: inv vendor.sync" in caplog.text
        sync(patched.checkout)
        assert read_status(patched.checkout).next == ()

    def test_manifest_of_it_names_no_pin(self, patched: Toy, own: Path) -> None:
        sync(patched.checkout, source=own)
        manifest = read_manifest(patched.synced)
        assert manifest is not None
        assert (manifest.pin_sha256, manifest.series_sha256, manifest.commit) == ("", "", manifest.source_tree)

    @pytest.mark.parametrize("what", ["project", "empty", "parent"])
    def test_folder_that_is_none_is_refused_and_nothing_is_removed(
        self, patched: Toy, own: Path, tmp_path: Path, what: str
    ) -> None:
        before = {path: path.read_bytes() for path in patched.synced.rglob("*") if path.is_file()}
        (tmp_path / "empty").mkdir()
        source = {"project": patched.checkout.root, "empty": tmp_path / "empty", "parent": tmp_path}[what]
        if what == "parent":
            (tmp_path / "ggml").mkdir()
        words = "overlap" if what == "parent" else "is no tree of llama.cpp: it has no ggml folder"
        with pytest.raises(ToolError, match=words):
            sync(patched.checkout, source=source)
        assert {path: path.read_bytes() for path in patched.synced.rglob("*") if path.is_file()} == before

    def test_section_that_takes_nothing_is_refused(self, patched: Toy, own: Path) -> None:
        for name in ("CMakeLists.txt", "LICENSE"):
            (own / name).unlink()
        remove_tree(own / "src")
        remove_tree(own / "ggml")
        (own / "ggml").mkdir()
        (own / "docs/x").write_text("x", encoding="utf-8")
        with pytest.raises(ToolError, match=r"\[core\] of vendor/sync.toml takes none of the files in"):
            sync(patched.checkout, source=own)


HALF = {
    "all": MARKED,
    "without the first": MARKED.replace("<<<<<<< ours\n", ""),
    "without the last": MARKED.replace(">>>>>>> theirs\n", ""),
    "only the middle": "x\n=======\ny\n",
    "with the base": MARKED.replace("=======", "||||||| base\nz\n======="),
}


@pytest.mark.parametrize("half", HALF)
class TestMarkers:
    """Conflict markers, or what half a resolution leaves of them."""

    def test_continue_refuses_them(self, patched: Toy, half: str) -> None:
        patched.pin(commit_files(patched.upstream, {"ggml/src/cpu.c": edited(20, "theirs 20")}, "Newer\n"))
        with pytest.raises(ConflictError):
            apply_patches(patched.checkout)
        patched.write("ggml/src/cpu.c", edited(20, HALF[half]))
        patched.git.run("add", "--all")
        with pytest.raises(ToolError, match=r"Conflict markers are in ggml/src/cpu\.c"):
            continue_operation(patched.checkout)

    def test_edits_and_commits_with_them_are_refused(self, patched: Toy, half: str) -> None:
        patched.write("src/llama.cpp", edited(9, HALF[half]))
        with pytest.raises(ToolError, match=r"Conflict markers are in src/llama\.cpp"):
            sync(patched.checkout)
        patched.commit("Half", {})
        for work in (sync, create_patches):
            with pytest.raises(ToolError, match=r"onflict markers .* src/llama\.cpp"):
                work(patched.checkout)

    def test_gate_names_a_patch_with_them(self, patched: Toy, half: str, monkeypatch: pytest.MonkeyPatch) -> None:
        patched.commit("Half", {"src/llama.cpp": edited(3, "ours 3").replace("line 9\n", HALF[half])})
        with monkeypatch.context() as patch:
            patch.setattr("tools.vendoring.create_patches._refuse_markers", lambda _: None)
            create_patches(patched.checkout)
        wanted = "patches/0004-half.patch adds conflict markers to src/llama.cpp. Resolve them in that commit."
        assert wanted in check(patched.checkout)


def test_file_with_such_lines_of_its_own_can_be_changed_and_added(patched: Toy) -> None:
    patched.commit("Test", {"src/test.cpp": MARKED}, body=OWN)
    sync(patched.checkout)
    assert create_patches(patched.checkout).added == ("0004-test.patch",)
    patched.write("src/test.cpp", f"{MARKED}more\n")
    sync(patched.checkout)
    patched.commit("More", {})
    assert create_patches(patched.checkout).added == ("0005-more.patch",)
    sync(patched.checkout)
    assert check(patched.checkout) == ()


def test_line_that_a_mailbox_begins_with_is_refused(patched: Toy) -> None:
    """`git am` would read the rest as another patch; a fresh clone could not apply the file."""
    body = f"As in:\n\nFrom 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\n{HEADERS}"
    patched.commit("Quote", {"src/llama.cpp": edited(3, "ours 3").replace("line 9\n", "9\n")}, body=body)
    with pytest.raises(ToolError, match="has a line that begins like the `From ` line of a mailbox"):
        create_patches(patched.checkout)


def test_harmless_line_with_that_word_is_written_and_read(patched: Toy) -> None:
    body = f"From here on it is fast.\n>From there, too.\n\n{HEADERS}"
    patched.commit("Word", {"src/llama.cpp": edited(3, "ours 3").replace("line 9\n", "9\n")}, body=body)
    create_patches(patched.checkout)
    message = patched.git.ask("log", "-1", "--format=%B", "llamapack")
    remove_tree(patched.checkout.tracking)
    apply_patches(patched.checkout)
    assert patched.git.ask("log", "-1", "--format=%B", "llamapack") == message


STRIDE = int(os.environ.get("LLAMAPACK_FAULT_STRIDE", "12"))
"""Every how many calls of git one is made to fail with each status: 3 tries every call, and takes minutes."""
FAILED: list[bool] = []
TASKS: dict[str, Callable[[Toy], object]] = {
    "apply": lambda toy: apply_patches(toy.checkout),
    "bump": lambda toy: bump(toy.checkout, "master"),
    "create": lambda toy: create_patches(toy.checkout),
    "sync": lambda toy: sync(toy.checkout),
    "ensure": lambda toy: ensure_source(toy.checkout.root),
    "check": lambda toy: check(toy.checkout),
    "status": lambda toy: read_status(toy.checkout),
}


@pytest.mark.parametrize("code", [1, 128, -9])
@pytest.mark.parametrize("task", TASKS)
def test_failing_git_call_never_counts_as_an_answer(
    patched: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, code: int
) -> None:
    """A task with such a call refuses, or succeeds and has done what it does without."""
    commit_files(patched.upstream, {"src/more.cpp": "more\n"}, "Newer\n")
    logging.disable(logging.CRITICAL)
    try:
        wanted = outcome(patched, tmp_path / "whole", monkeypatch, task, -1, code)
        for call in range({1: 0, 128: 1, -9: 2}[code] * STRIDE // 3, 200, STRIDE):
            found = outcome(patched, tmp_path / str(call), monkeypatch, task, call, code)
            if found != ("refused",):
                assert found == wanted, f"call {call} failed, and the task succeeded"
            if not FAILED:
                break
    finally:
        logging.disable(logging.NOTSET)
    assert call > 5


def outcome(
    template: Toy, folder: Path, monkeypatch: pytest.MonkeyPatch, task: str, call: int, code: int
) -> tuple[object, ...]:
    """Run a task on a copy with a failing call; return what it made, or that it refused."""
    folder.mkdir()
    toy, real, count = copy_toy(template, folder), repository._call, [0]
    FAILED.clear()

    def failing(argv: object, place: Path, variables: object, **options: object) -> object:
        count[0] += 1
        if count[0] - 1 != call:
            return real(argv, place, variables, **options)  # type: ignore[arg-type]
        FAILED.append(True)
        statuses = options.get("statuses", (0,))
        if statuses is not None and code not in statuses:  # type: ignore[operator]
            raise ToolError("injected")
        return cmd.Result(argv=(), returncode=code, stdout="", stderr="injected")

    monkeypatch.setattr(repository, "_call", failing)
    repository._version.cache_clear()
    try:
        TASKS[task](toy)
    except ToolError:
        return ("refused",)
    finally:
        monkeypatch.setattr(repository, "_call", real)
    pin = toy.checkout.pin_file.read_text(encoding="utf-8").replace(str(toy.upstream.folder), "")
    manifest = read_manifest(toy.synced) if toy.synced.exists() else None
    manifest = replace(manifest, pin_sha256="") if manifest else None  # the pin names the copy's own upstream
    made = (pin, toy.patches(), manifest, Git.at(toy.checkout.tracking).id_of("HEAD^{tree}"))
    remove_tree(folder)
    return made
