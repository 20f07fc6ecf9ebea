"""Writing the series: byte-stable, exactly the commits, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.vendoring.toy import HEADERS, LINES, Toy, commit_files, edited
from tools.create_patches import create_patches, new_patch
from tools.errors import ToolError
from tools.files import remove_tree
from tools.git import Git
from tools.patching import apply_patches
from tools.vendor_status import read_status

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
    patched.git.run("reset", "-q", "--hard", "refs/llamapack/base~1", check=False)
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


HOSTILE = """\
[user]
    name = Someone Else
    email = else@example.org
[core]
    autocrlf = true
    eol = crlf
    safecrlf = true
    abbrev = 4
    quotePath = true
    hooksPath = {hooks}
    attributesFile = {attributes}
    excludesFile = {excludes}
    commentChar = "-"
    whitespace = blank-at-eol,tab-in-indent
[diff]
    noprefix = true
    mnemonicPrefix = true
    algorithm = patience
    context = 9
    interHunkContext = 9
    external = false
    renames = copies
    orderFile = {attributes}
    srcPrefix = x/
    dstPrefix = y/
    suppressBlankEmpty = true
    indentHeuristic = false
    wordRegex = .
    submodule = log
    relative = true
[diff "odd"]
    xfuncname = "line"
    textconv = false
[format]
    signature = hello
    signOff = true
    pretty = oneline
    subjectPrefix = RFC
    suffix = .txt
    numbered = true
    thread = deep
    attach = bound
    coverLetter = true
    useAutoBase = true
    from = true
    headers = "Organization: x\\n"
    outputDirectory = /nonexistent
    noprefix = true
    encodeEmailHeaders = false
    filenameMaxLength = 9
    notes = true
[log]
    showSignature = true
    date = relative
    decorate = full
    abbrevCommit = true
[color]
    ui = always
[commit]
    gpgSign = true
    template = {excludes}
    cleanup = scissors
[gpg]
    program = false
[rebase]
    autosquash = true
    autoStash = true
[am]
    threeWay = false
    keepcr = false
    messageid = true
[apply]
    whitespace = error
    ignoreWhitespace = change
[merge]
    conflictStyle = diff3
    ff = only
[mailinfo]
    scissors = true
[i18n]
    commitEncoding = ISO-8859-1
    logOutputEncoding = ISO-8859-1
[alias]
    am = !false
    format-patch = !false
[status]
    short = true
    showUntrackedFiles = no
[pager]
    log = false
[init]
    defaultBranch = other
    templateDir = {template}
[clone]
    defaultRemoteName = other
[submodule]
    recurse = true
[advice]
    detachedHead = true
[pull]
    rebase = true
"""


def hostile_config(folder: Path) -> Path:
    hooks, template = folder / "hooks", folder / "template"
    (template / "hooks").mkdir(parents=True)
    hooks.mkdir()
    names = (
        "applypatch-msg",
        "pre-applypatch",
        "post-applypatch",
        "pre-commit",
        "commit-msg",
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "prepare-commit-msg",
        "post-rewrite",
    )
    for name in names:
        for place in (hooks, template / "hooks"):
            (place / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
            (place / name).chmod(0o755)
    (folder / "attributes").write_text("*.c diff=odd eol=crlf\n*.cpp -diff ident\n", encoding="utf-8")
    (folder / "excludes").write_text("*.cpp\n# Please\n", encoding="utf-8")
    paths = {name: folder / name for name in ("hooks", "template", "attributes", "excludes")}
    config = folder / "gitconfig"
    config.write_text(HOSTILE.format(**paths), encoding="utf-8")
    return config


def global_file(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("GIT_CONFIG_GLOBAL", str(hostile_config(folder)))


def home_folder(folder: Path, patch: pytest.MonkeyPatch) -> None:
    config = hostile_config(folder)
    config.rename(folder / ".gitconfig")
    patch.setenv("HOME", str(folder))
    patch.delenv("GIT_CONFIG_GLOBAL", raising=False)


def system_file(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("GIT_CONFIG_SYSTEM", str(hostile_config(folder)))


def variables(folder: Path, patch: pytest.MonkeyPatch) -> None:
    Git.create(folder / "elsewhere")
    for name, value in {
        "GIT_DIR": str(folder / "elsewhere" / ".git"),
        "GIT_WORK_TREE": str(folder / "elsewhere"),
        "GIT_INDEX_FILE": str(folder / "index"),
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
        "GIT_AUTHOR_NAME": "Nobody",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "diff.noprefix",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_PAGER": "false",
        "GIT_TRACE": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NAMESPACE": "odd",
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "de_DE.UTF-8",
        "TZ": "Asia/Kathmandu",
        "EDITOR": "false",
    }.items():
        patch.setenv(name, value)


def outer_repository(folder: Path, _: pytest.MonkeyPatch) -> None:
    outer = Git.create(folder.parent)
    (folder.parent / ".gitattributes").write_text("* text eol=crlf\n", encoding="utf-8")
    (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    outer.run("config", "core.autocrlf", "true")


HOSTILITIES: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {
    "global-file": global_file,
    "home-folder": home_folder,
    "system-file": system_file,
    "environment": variables,
    "outer-repository": outer_repository,
}


@pytest.mark.parametrize("hostility", HOSTILITIES)
def test_no_git_setting_reaches_the_bytes(
    patched: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostility: str
) -> None:
    before, head = patched.patches(), patched.git.id_of("HEAD^{tree}")
    (tmp_path / "hostile").mkdir()
    HOSTILITIES[hostility](tmp_path / "hostile", monkeypatch)
    assert create_patches(patched.checkout).is_same
    remove_tree(patched.checkout.tracking)
    apply_patches(patched.checkout)
    assert create_patches(patched.checkout).is_same
    assert patched.patches() == before
    assert patched.git.id_of("HEAD^{tree}") == head
    assert patched.git.run("status", "--porcelain").stdout == ""
    working = (patched.checkout.tracking / "src/llama.cpp").read_bytes()
    assert working == edited(3, "ours 3").encode()


def test_no_setting_of_the_tracking_repository_reaches_the_bytes(patched: Toy, tmp_path: Path) -> None:
    before = patched.patches()
    (tmp_path / "hostile").mkdir()
    config = hostile_config(tmp_path / "hostile")
    with (patched.git.dir / "config").open("a", encoding="utf-8") as file:
        file.write(config.read_text(encoding="utf-8"))
    (patched.git.dir / "info").mkdir(exist_ok=True)
    (patched.git.dir / "info" / "attributes").write_text("*.cpp -diff\n*.c diff=odd\n", encoding="utf-8")
    assert create_patches(patched.checkout).is_same
    patched.git.run("reset", "-q", "--hard", "HEAD~1")
    assert not create_patches(patched.checkout).is_same
    for name, content in before.items():
        (patched.checkout.patches / name).write_bytes(content)
    apply_patches(patched.checkout)
    assert create_patches(patched.checkout).is_same
    assert patched.patches() == before


def test_folder_names_with_quotes_and_letters_work(patched: Toy, tmp_path: Path) -> None:
    odd = tmp_path / 'odd "name" with ümläut'
    patched.checkout.root.rename(odd)
    moved = type(patched)(checkout=type(patched.checkout)(root=odd), upstream=patched.upstream)
    assert create_patches(moved.checkout).is_same
    assert len(list((odd / "patches").iterdir())) == 3
