"""Writing the series: byte-stable, exactly the commits, nothing lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.toy_upstream import HEADERS, LINES, Toy, commit_files, edited
from tools.errors import ToolError
from tools.util.files import remove_tree
from tools.vendoring.apply import apply_patches
from tools.vendoring.create_patches import create_patches, new_patch
from tools.vendoring.status import read_status

NAMES = ["0001-change-the-first-lines.patch", "0002-score-it.patch", "0003-add-a-file.patch"]


def test_patch_file_holds_nothing_that_changes_by_itself(patched: Toy) -> None:
    text = patched.patches()["0002-score-it.patch"].decode()
    blobs = [patched.git.id_of(f"HEAD:{name}") for name in ("src/new.cpp", "ggml/src/cpu.c")]
    assert text == (
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
        "From: =?UTF-8?q?Ada=20=C3=96st?= <ada@example.org>\n"
        "Date: Fri, 2 Jan 2026 03:04:05 +0000\n"
        "Subject: [PATCH] Score it\n"
        "\n"
        f"{HEADERS}"
        "\n"
        "diff --git a/ggml/src/cpu.c b/ggml/src/cpu.c\n"
        f"index {blobs[0]}..{blobs[1]} 100644\n"
        "--- a/ggml/src/cpu.c\n"
        "+++ b/ggml/src/cpu.c\n"
        "@@ -17,7 +17,7 @@ line 16\n"
        " line 17\n line 18\n line 19\n-line 20\n+ours 20\n line 21\n line 22\n line 23\n"
    )


def test_round_trip_is_byte_identical(patched: Toy) -> None:
    before = patched.patches()
    assert list(before) == NAMES
    remove_tree(patched.checkout.tracking)
    apply_patches(patched.checkout)
    result = create_patches(patched.checkout)
    assert result.is_same
    assert patched.patches() == before


def test_writing_again_touches_no_file(patched: Toy) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in patched.checkout.patches.iterdir()}
    assert create_patches(patched.checkout).is_same
    assert {path.name: path.stat().st_mtime_ns for path in patched.checkout.patches.iterdir()} == before


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("[x86] keep the brackets", edited(3, "plain")),
        ("Windows lines", LINES.replace("\n", "\r\n")),
        ("A subject that is much longer than a line of a mail may be and has ümläuts beside", edited(3, "ä")),
        ("No newline at the end", LINES + "end"),
        ("Blanks stay", edited(3, "   blank at the end   ")),
        ("Control characters", edited(3, "a\x0cb\x1b")),
    ],
)
def test_awkward_commits_come_back_as_they_were(patched: Toy, subject: str, text: str) -> None:
    patched.commit(subject, {"src/llama.cpp": text})
    create_patches(patched.checkout)
    before, tree = patched.patches(), patched.git.id_of("HEAD^{tree}")
    message = patched.git.ask("log", "-1", "--format=%B")
    remove_tree(patched.checkout.tracking)
    apply_patches(patched.checkout)
    assert patched.git.id_of("HEAD^{tree}") == tree
    assert patched.git.ask("log", "-1", "--format=%B") == message
    create_patches(patched.checkout)
    assert patched.patches() == before


@pytest.mark.parametrize("line", ["--- a line of dashes", "diff --git a/x b/x", "Index: x", "From: someone"])
def test_message_that_would_not_come_back_is_refused(patched: Toy, line: str) -> None:
    before = patched.patches()
    patched.commit("Odd", {"src/llama.cpp": edited(9, "odd")}, body=f"{line}\nText.\n\n{HEADERS}")
    with pytest.raises(ToolError, match="would come back changed at the line"):
        create_patches(patched.checkout)
    assert patched.patches() == before


def test_merge_empty_and_binary_commits_are_refused(patched: Toy) -> None:
    git, head = patched.git, patched.git.id_of("HEAD")
    patched.commit("Nothing", {})
    with pytest.raises(ToolError, match=r"Nothing\) changes nothing"):
        create_patches(patched.checkout)
    git.run("reset", "-q", "--hard", head)
    patched.commit("Picture", {"media/logo.png": "\0PNG"})
    with pytest.raises(ToolError, match=r"Picture\) changes the binary file media/logo.png"):
        create_patches(patched.checkout)
    git.run("reset", "-q", "--hard", head)
    side = commit_files(git, {"a": "a"}, "Side\n")
    git.run("reset", "-q", "--hard", head)
    patched.commit("Main", {"b": "b"})
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "merge", "-q", "-m", "Both", side)
    with pytest.raises(ToolError, match=r"Both\) is a merge"):
        create_patches(patched.checkout)


def test_commit_with_conflict_markers_is_refused(patched: Toy) -> None:
    before = patched.patches()
    patched.commit("Half done", {"src/llama.cpp": "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"})
    with pytest.raises(ToolError, match=r"0004-half-done.patch would add conflict markers to src/llama.cpp"):
        create_patches(patched.checkout)
    assert patched.patches() == before


@pytest.mark.parametrize("kind", ["unstaged", "staged", "untracked"])
def test_edits_that_are_in_no_commit_are_refused(patched: Toy, kind: str) -> None:
    path = "new.txt" if kind == "untracked" else "src/llama.cpp"
    patched.write(path, "edit\n")
    if kind == "staged":
        patched.git.run("add", path)
    before = patched.patches()
    with pytest.raises(ToolError, match=f"has edits that are in no commit:\n  {kind}: {path}"):
        create_patches(patched.checkout)
    assert patched.patches() == before


def test_dropped_commit_takes_its_file_with_it_and_the_rest_is_renamed(patched: Toy) -> None:
    git = patched.git
    third = git.id_of("HEAD")
    git.run("reset", "-q", "--hard", "HEAD~2")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "cherry-pick", third)
    (patched.checkout.patches / "README.md").write_text("kept", encoding="utf-8")
    result = create_patches(patched.checkout)
    assert (result.added, result.changed) == ((), ())
    assert result.removed == ("0002-score-it.patch",)
    assert result.renamed == (("0003-add-a-file.patch", "0002-add-a-file.patch"),)
    assert list(patched.patches()) == ["0001-change-the-first-lines.patch", "0002-add-a-file.patch"]
    assert (patched.checkout.patches / "README.md").exists()


def test_reordered_and_reworded_commits_are_reported_as_renames(patched: Toy) -> None:
    git = patched.git
    second, third = git.id_of("HEAD~1"), git.id_of("HEAD")
    git.run("reset", "-q", "--hard", "HEAD~2")
    by = ("-c", "user.name=A", "-c", "user.email=a@b")
    git.run(*by, "cherry-pick", third, second)
    git.run(*by, "commit", "-q", "--amend", "-m", "Score it better\n\nWhy: x\nUpstream: y\nDrop when: z")
    result = create_patches(patched.checkout)
    assert (result.added, result.removed, result.changed) == ((), (), ())
    assert set(result.renamed) == {
        ("0002-score-it.patch", "0003-score-it-better.patch"),
        ("0003-add-a-file.patch", "0002-add-a-file.patch"),
    }


def test_patch_that_was_never_applied_here_is_not_removed(patched: Toy, cache: Path) -> None:
    theirs = patched.checkout.patches / "0004-of-a-colleague.patch"
    theirs.write_bytes(patched.patches()["0003-add-a-file.patch"].replace(b"new.cpp", b"other.cpp"))
    with pytest.raises(ToolError, match=r"Never applied in .*: 0004-of-a-colleague.patch"):
        create_patches(patched.checkout)
    assert theirs.exists()
    result = create_patches(patched.checkout, discard=True)
    assert not theirs.exists()
    assert result.saved is not None
    assert (result.saved / "patches" / theirs.name).exists()
    assert result.saved.is_relative_to(cache)


def test_headers_that_are_missing_are_told(patched: Toy) -> None:
    patched.commit("Half", {"src/llama.cpp": edited(9, "half")}, body="Why: so\nDrop when: (to be written)\n")
    assert create_patches(patched.checkout).incomplete == (("0004-half.patch", ("Upstream", "Drop when")),)


def test_branch_on_another_commit_than_the_pin_is_refused(patched: Toy) -> None:
    newer = commit_files(patched.upstream, {"docs/manual.md": "new\n"}, "Newer\n")
    patched.pin(newer)
    with pytest.raises(ToolError, match=f"stands on .*, and vendor/llama.cpp.toml pins {newer[:9]}"):
        create_patches(patched.checkout)
    apply_patches(patched.checkout)
    patched.git.attempt("reset", "-q", "--hard", "refs/llamapack/base~1")
    patched.git.run("checkout", "-q", "--orphan", "elsewhere")
    with pytest.raises(ToolError, match="is on elsewhere, and the series is made from llamapack"):
        create_patches(patched.checkout)


def use_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make git read only the configuration in `folder`; before 2.32 it knows no variable for the file."""
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(folder))


def test_new_patch_commits_all_edits_under_the_users_name(patched: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    config = patched.checkout.root / ".gitconfig"
    config.write_text("[user]\n\tname = Grace Ö\n\temail = grace@example.org\n", encoding="utf-8")
    use_home(monkeypatch, patched.checkout.root)
    patched.write("src/llama.cpp", edited(9, "fast"))
    patched.write("src/extra.cpp", "extra\n")
    new_patch(patched.checkout, "Make it fast", why="slow", drop_when="upstream is fast")
    assert patched.git.ask("log", "-1", "--format=%an <%ae>%n%B") == (
        "Grace Ö <grace@example.org>\nMake it fast\n\nWhy: slow\nUpstream: (to be written)\nDrop when: upstream is fast"
    )
    assert create_patches(patched.checkout).added == ("0004-make-it-fast.patch",)
    with pytest.raises(ToolError, match="Nothing is edited"):
        new_patch(patched.checkout, "Again")


def test_new_patch_without_a_name_in_git_says_how_to_give_one(patched: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    use_home(monkeypatch, patched.checkout.patches)
    patched.write("src/llama.cpp", "edit\n")
    with pytest.raises(ToolError, match="git does not know who you are") as refusal:
        new_patch(patched.checkout, "Mine")
    assert "git config --global user.name" in refusal.value.fix
    assert read_status(patched.checkout).next[0] == "inv vendor.sync (to build with the edits)"


def test_folder_names_with_quotes_and_letters_work(patched: Toy, tmp_path: Path) -> None:
    odd = tmp_path / 'odd "name" with ümläut'
    patched.checkout.root.rename(odd)
    moved = type(patched)(checkout=type(patched.checkout)(root=odd), upstream=patched.upstream)
    assert create_patches(moved.checkout).is_same
    assert len(list((odd / "patches").iterdir())) == 3
