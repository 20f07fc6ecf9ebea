"""Whatever git's configuration and environment hold, the series comes out the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.toy_upstream import Toy, edited
from tools.git.repository import Git
from tools.util.files import remove_tree
from tools.vendoring.apply import apply_patches
from tools.vendoring.create_patches import create_patches

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
