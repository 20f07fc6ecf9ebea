"""The commands as people type them: words and exit status agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.toy_upstream import Toy, commit_files, edited
from tools.git.repository import Git
from tools.paths import ROOT
from tools.vendoring import messages
from tools.vendoring.source.pin import load_pin
from tools.vendoring.sync import Synced, SyncReport

TASKS = (
    "vendor.abort",
    "vendor.apply-patches",
    "vendor.bump",
    "vendor.check",
    "vendor.clean",
    "vendor.continue",
    "vendor.create-patches",
    "vendor.new-patch",
    "vendor.status",
    "vendor.sync",
)


def inv(toy: Toy, *words: str) -> tuple[int, str, str]:
    """Run `inv WORDS` in the toy checkout: its tools are this project's."""
    pytest.importorskip("invoke", reason="Invoke is not installed: requirements/tasks.txt")
    if not (toy.checkout.root / "tasks.py").exists():
        shutil.copy(ROOT / "tasks.py", toy.checkout.root)
        # With what is compiled already; "*.pyc.*" are files that another process is writing.
        shutil.copytree(ROOT / "tools", toy.checkout.root / "tools", ignore=shutil.ignore_patterns("*.pyc.*"))
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=toy.checkout.root,
        env={**os.environ, "PYTHONPATH": "", "COLUMNS": "120"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_list_names_every_task_with_what_it_does(toy: Toy) -> None:
    status, out, _ = inv(toy, "--list")
    lines = [line.split(maxsplit=1) for line in out.splitlines() if line.startswith("  vendor.")]
    assert status == 0
    assert tuple(line[0] for line in lines) == TASKS
    assert all(len(line) == 2 and line[1][0].isupper() for line in lines)


def test_whole_way_from_nothing(patched: Toy) -> None:
    shutil.rmtree(patched.checkout.tracking)
    assert inv(patched, "vendor.status")[1].splitlines()[-1] == "next: inv vendor.apply-patches"
    status, out, err = inv(patched, "vendor.apply-patches", "vendor.create-patches", "vendor.sync", "vendor.check")
    assert (status, err.count("Traceback")) == (0, 0)
    assert "  0002-score-it.patch: applied\n" in out
    assert f"vendor/llama.cpp is at llama.cpp {patched.base[:9]} with 3 patches.\n" in out
    assert "patches/ holds 3 patches, as it did before.\n" in out
    assert "core: 7 files written or removed, a new manifest.\n" in out
    assert out.endswith("The packages build from exactly the pin and the patches.\n")
    status, out, _ = inv(patched, "vendor.status")
    assert (status, out.splitlines()[-1]) == (0, "next: nothing is to be done")


def test_conflict_fails_and_says_nothing_of_success(patched: Toy) -> None:
    patched.pin(commit_files(patched.upstream, {"ggml/src/cpu.c": edited(20, "theirs")}, "Newer\n"))
    status, out, err = inv(patched, "vendor.apply-patches", "vendor.sync")
    assert (status, out) == (1, "")
    assert err.splitlines()[-4:] == [
        "0002-score-it.patch does not apply: ggml/src/cpu.c (1 of 3 patches are dealt with).",
        f"Resolve it in {patched.checkout.tracking} and `git add` the files there; then run: inv vendor.continue",
        "To leave this patch out: inv vendor.continue --skip",
        "To go back to where you were: inv vendor.abort",
    ]
    status, out, _ = inv(patched, "vendor.status")
    assert "  apply under way: 1 of 3 patches are dealt with\n" in out
    assert "  at hand: 0002-score-it.patch, which waits to be resolved\n" in out
    assert "  in conflict: ggml/src/cpu.c\n" in out
    assert out.endswith("next: inv vendor.continue; or inv vendor.abort\n")
    status, out, _ = inv(patched, "vendor.continue")
    assert (status, out) == (1, "")
    status, out, _ = inv(patched, "vendor.continue", "--skip")
    assert status == 0
    assert "  0002-score-it.patch: left out\n" in out
    assert "Next: inv vendor.create-patches vendor.sync" in out


def test_abort_says_where_the_edits_are(patched: Toy) -> None:
    patched.pin(commit_files(patched.upstream, {"ggml/src/cpu.c": edited(20, "theirs")}, "Newer\n"))
    inv(patched, "vendor.apply-patches")
    status, out, err = inv(patched, "vendor.abort")
    assert (status, out) == (0, "vendor/llama.cpp is back where it was.\n")
    assert err.startswith("What was there is kept as refs/llamapack/backup/")
    assert inv(patched, "vendor.abort")[0] == 1


def test_gate_fails_with_the_list(patched: Toy) -> None:
    assert inv(patched, "vendor.sync")[0] == 0
    (patched.synced / "LICENSE").write_text("x", encoding="utf-8")
    status, out, err = inv(patched, "vendor.check")
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == "1 difference."
    assert "LICENSE is not what it is made from" in err


def test_bump_is_previewed_and_done(patched: Toy) -> None:
    newer = commit_files(patched.upstream, {"docs/manual.md": "2\n"}, "Newer\n")
    status, out, _ = inv(patched, "vendor.bump", newer, "--dry-run")
    assert status == 0
    assert out.splitlines()[0] == f"llama.cpp {patched.base[:9]} to {newer[:9]}:"
    assert out.splitlines()[1:] == [
        "  0001-change-the-first-lines.patch: applied",
        "  0002-score-it.patch: applied",
        "  0003-add-a-file.patch: applied",
        "Nothing was changed.",
    ]
    status, out, _ = inv(patched, "vendor.bump", newer)
    assert status == 0
    assert "The pin and the changelog are written." in out
    assert load_pin(patched.checkout.pin_file).commit == newer


def test_clean_removes_what_can_be_made_again_and_saves_the_rest(patched: Toy, cache: Path) -> None:
    inv(patched, "vendor.sync")
    patched.write("src/mine.cpp", "mine\n")
    status, _, err = inv(patched, "vendor.clean", "--tracking")
    assert status == 1
    assert "untracked: src/mine.cpp" in err
    assert patched.synced.exists()
    status, _, err = inv(patched, "vendor.clean", "--tracking", "--discard")
    assert status == 0
    assert (patched.synced.exists(), patched.checkout.tracking.exists()) == (False, False)
    (kept,) = (cache / "backups").glob("*/llama.cpp")
    assert err == f"The repository is kept as it was in {kept}\n"
    assert (kept / "src/mine.cpp").read_text(encoding="utf-8") == "mine\n"
    assert Git.at(kept).branch() == "llamapack"
    assert inv(patched, "vendor.apply-patches")[0] == 0


def test_clean_saves_every_stash(patched: Toy, cache: Path) -> None:
    for text in ("first\n", "second\n"):
        patched.write("src/llama.cpp", text)
        patched.git.run("-c", "user.name=A", "-c", "user.email=a@b", "stash")
    status, _, err = inv(patched, "vendor.clean", "--tracking")
    assert status == 1
    assert "  stashes: stash@{0} WIP on llamapack" in err
    assert inv(patched, "vendor.clean", "--tracking", "--discard")[0] == 0
    (kept,) = (cache / "backups").glob("*/llama.cpp")
    stashed = [Git.at(kept).run("show", f"stash@{{{number}}}:src/llama.cpp").stdout for number in (0, 1)]
    assert stashed == ["second\n", "first\n"]


def test_clean_keeps_own_files(patched: Toy) -> None:
    inv(patched, "vendor.sync")
    (patched.synced / "OURS.md").write_text("ours", encoding="utf-8")
    assert inv(patched, "vendor.clean")[0] == 0
    assert [path.name for path in patched.synced.rglob("*") if path.is_file()] == ["OURS.md"]
    assert inv(patched, "vendor.sync")[0] == 0
    assert (patched.synced / "OURS.md").exists()
    (patched.synced / "LICENSE").write_text("by hand", encoding="utf-8")
    status, _, err = inv(patched, "vendor.clean")
    assert status == 1
    assert "LICENSE" in err


def test_tree_without_git_is_patched_once(patched: Toy, tmp_path: Path) -> None:
    tree = tmp_path / "unpacked"
    shutil.copytree(patched.upstream.folder, tree, ignore=shutil.ignore_patterns(".git"))
    status, out, _ = inv(patched, "vendor.apply-patches", "--tree", str(tree))
    assert (status, out.splitlines()[0]) == (0, "  0001-change-the-first-lines.patch: applied")
    assert (tree / "src/llama.cpp").read_bytes() == edited(3, "ours 3").encode()
    status, out, _ = inv(patched, "vendor.apply-patches", "--tree", str(tree))
    assert (status, out.splitlines()[0]) == (0, "  0001-change-the-first-lines.patch: there already")


def test_unknown_failure_shows_its_traceback(toy: Toy) -> None:
    inv(toy, "vendor.status")
    module = toy.checkout.root / "tools/vendoring/status.py"
    with module.open("a", encoding="utf-8") as file:
        file.write("\n\ndef read_status(_):\n    raise RuntimeError('odd')\n")
    status, _, err = inv(toy, "vendor.status")
    assert status == 1
    assert "Traceback" in err
    assert "RuntimeError: odd" in err


@pytest.mark.parametrize("page", ["docs/development/vendoring.md", "vendor/README.md", "patches/README.md"])
def test_documents_name_only_commands_that_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"\bvendor\.[a-z-]+\b(?!\.)", re.sub(r"\S*/\S*", "", text)))
    assert named - set(TASKS) == set()
    assert page != "docs/development/vendoring.md" or set(TASKS) == named
    options = set(re.findall(r"(?<!\S)--[a-z][a-z0-9-]+", " ".join(re.findall(r"inv vendor\.[^`\n]*", text))))
    known = (ROOT / "tasks.py").read_text(encoding="utf-8").replace("_", "-")
    assert [option for option in sorted(options) if option.removeprefix("--") not in known] == []


def words(new: dict[str, tuple[str, ...]], gone: tuple[str, ...] = ()) -> list[str]:
    report = SyncReport(trees=(), upstream_new=new, upstream_gone=gone)
    return list(messages.synced(report))


def test_few_files_are_named() -> None:
    assert words({"src/a.cpp": ("core",), "docs/b.md": ()}, ("x",)) == [
        "  new upstream: src/a.cpp (taken by core)",
        "  new upstream: docs/b.md (not taken)",
        "  gone upstream: x",
    ]


def test_many_files_that_are_not_taken_are_counted_by_folder() -> None:
    new: dict[str, tuple[str, ...]] = {f"docs/deep/er/{number}.md": () for number in range(20)}
    assert words({**new, "top": (), "src/a.cpp": ("core",)}, tuple(f"gone/{n}" for n in range(13))) == [
        "  new upstream: src/a.cpp (taken by core)",
        "  new upstream: 1 file in the top folder (not taken)",
        "  new upstream: 20 files in docs/deep (not taken)",
        "  gone upstream: 13 files in gone",
    ]


def test_tree_that_was_not_touched_is_said() -> None:
    report = SyncReport(trees=(Synced(section="core", into=Path("x")),), upstream_new={}, upstream_gone=())
    assert list(messages.synced(report)) == ["core: nothing has changed."]
