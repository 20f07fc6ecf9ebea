"""Applying the series: what results, what is refused, how a conflict is left and gone on from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.toy_upstream import FILES, HEADERS, LINES, Toy, commit_files, edited
from tools.errors import ToolError
from tools.util.files import remove_tree
from tools.vendoring.apply import ConflictError, abort_operation, apply_patches, continue_operation
from tools.vendoring.backups import backups
from tools.vendoring.create_patches import create_patches
from tools.vendoring.journal import current_operation, save
from tools.vendoring.status import read_status

BY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def test_series_on_the_base_gives_the_expected_tree(patched: Toy) -> None:
    wanted = commit_files(
        patched.upstream,
        {
            "src/llama.cpp": edited(3, "ours 3"),
            "ggml/src/cpu.c": edited(20, "ours 20"),
            "src/new.cpp": LINES,
        },
        "The same by hand\n",
    )
    remove_tree(patched.checkout.tracking)
    result = apply_patches(patched.checkout)
    assert patched.git.id_of("HEAD^{tree}") == patched.upstream.id_of(f"{wanted}^{{tree}}")
    assert [(done.name, done.how) for done in result.done] == [
        ("0001-change-the-first-lines.patch", "clean"),
        ("0002-score-it.patch", "clean"),
        ("0003-add-a-file.patch", "clean"),
    ]
    assert patched.state()["status"] == ""


def test_the_same_series_gives_the_same_commits(patched: Toy) -> None:
    before = patched.state()
    remove_tree(patched.checkout.tracking)
    apply_patches(patched.checkout)
    remade = patched.state()
    remove_tree(patched.checkout.tracking)
    apply_patches(patched.checkout)
    assert patched.state() == remade
    assert remade["branch"] == before["branch"] == "refs/heads/llamapack\n"


def test_empty_series_is_success(toy: Toy) -> None:
    result = apply_patches(toy.checkout)
    assert (result.done, result.changed) == ((), False)
    assert toy.git.id_of("HEAD") == toy.base


def test_applying_again_touches_nothing(patched: Toy) -> None:
    apply_patches(patched.checkout)
    before = {path: path.stat().st_mtime_ns for path in patched.checkout.tracking.glob("src/*")}
    result = apply_patches(patched.checkout)
    assert not result.changed
    assert {path: path.stat().st_mtime_ns for path in patched.checkout.tracking.glob("src/*")} == before


def test_unknown_base_is_fetched(toy: Toy) -> None:
    apply_patches(toy.checkout)
    newer = commit_files(toy.upstream, {"src/llama.cpp": edited(40, "newer")}, "Newer\n")
    assert not toy.git.has(newer)
    toy.pin(newer)
    apply_patches(toy.checkout)
    assert toy.git.id_of("HEAD") == newer


def test_base_that_nobody_has_is_refused_and_nothing_moves(patched: Toy) -> None:
    pin, before = patched.checkout.pin_file, patched.state()
    pin.write_text(pin.read_text(encoding="utf-8").replace(patched.base, "0" * 40), encoding="utf-8")
    with pytest.raises(ToolError, match=f"llama.cpp {'0' * 40} could not be had") as refusal:
        apply_patches(patched.checkout)
    assert str(patched.upstream.folder) in refusal.value.why
    assert {**patched.state(), "pin": ""} == {**before, "pin": ""}


def stage(toy: Toy) -> None:
    toy.write("src/llama.cpp", "staged\n")
    toy.git.run("add", "src/llama.cpp")


def open_am(toy: Toy) -> None:
    patch = toy.patches()["0001-change-the-first-lines.patch"].decode()
    clashing = patch.replace("line 3", "other 3").replace("-line", "-other")
    assert toy.git.attempt("am", stdin=clashing.replace("ours 3", "theirs 3")).returncode != 0


def open_merge(toy: Toy) -> None:
    toy.git.run("checkout", "-q", "-b", "side", toy.base)
    toy.commit("Side", {"src/llama.cpp": edited(3, "side 3")})
    toy.git.run("checkout", "-q", "llamapack")
    assert toy.git.attempt(*BY, "merge", "side").returncode != 0


def open_rebase(toy: Toy) -> None:
    toy.git.run("branch", "side", toy.base)
    toy.git.run("checkout", "-q", "side")
    toy.commit("Side", {"src/llama.cpp": edited(3, "side 3")})
    toy.git.run("checkout", "-q", "llamapack")
    assert toy.git.attempt(*BY, "rebase", "side").returncode != 0


def open_cherry_pick(toy: Toy) -> None:
    toy.git.run("checkout", "-q", "-b", "side", toy.base)
    side = toy.commit("Side", {"src/llama.cpp": edited(3, "side 3")})
    toy.git.run("checkout", "-q", "llamapack")
    assert toy.git.attempt(*BY, "cherry-pick", side).returncode != 0


FINDINGS: dict[str, tuple[Callable[[Toy], object], str]] = {
    "unstaged": (lambda toy: toy.write("src/llama.cpp", "edited\n"), "unstaged: src/llama.cpp"),
    "staged": (stage, "staged: src/llama.cpp"),
    "untracked": (lambda toy: toy.write("src/ä new.cpp", ""), "untracked: src/ä new.cpp"),
    "am": (open_am, "unfinished operation: git am"),
    "merge": (open_merge, "unfinished operation: git merge"),
    "rebase": (open_rebase, "unfinished operation: git rebase"),
    "cherry-pick": (open_cherry_pick, "unfinished operation: git cherry-pick"),
    "conflict": (open_merge, "in conflict: src/llama.cpp"),
    "commit": (lambda toy: toy.commit("Mine", {"src/llama.cpp": "mine\n"}), "no patch file holds: "),
}


EDITS = ("unstaged", "staged", "untracked", "commit")


@pytest.mark.parametrize("finding", FINDINGS)
def test_work_that_only_the_repository_has_is_named_and_kept(patched: Toy, finding: str) -> None:
    apply_patches(patched.checkout)
    make, words = FINDINGS[finding]
    make(patched)
    before = patched.state()
    with pytest.raises(ToolError, match="Applying the patches would lose") as refusal:
        apply_patches(patched.checkout)
    assert words in str(refusal.value)
    way = "inv vendor.create-patches" if finding in EDITS else "finish it (git "
    assert way in refusal.value.fix
    assert "--discard" in refusal.value.fix
    assert patched.state() == before


@pytest.mark.parametrize("finding", FINDINGS)
def test_discarded_work_is_in_the_backup_ref(patched: Toy, finding: str) -> None:
    apply_patches(patched.checkout)
    FINDINGS[finding][0](patched)
    git = patched.git
    files = {name: (git.folder / name).read_bytes() for name in read_status_files(patched)}
    head = git.id_of("HEAD")
    result = apply_patches(patched.checkout, discard=True)
    assert backups(git) == (result.backup,)
    for name, content in files.items():
        assert git.run("cat-file", "blob", f"{result.backup}:{name}").stdout.encode() == content
    assert git.attempt("merge-base", "--is-ancestor", head, result.backup).returncode == 0
    assert patched.state()["status"] == ""
    assert read_status(patched.checkout).tracking.operation is None  # type: ignore[union-attr]


def read_status_files(toy: Toy) -> tuple[str, ...]:
    tracking = read_status(toy.checkout).tracking
    assert tracking is not None
    return tracking.risk.state.dirty


def test_staged_and_edited_again_keeps_both_contents(patched: Toy) -> None:
    apply_patches(patched.checkout)
    stage(patched)
    patched.write("src/llama.cpp", "edited after that\n")
    backup = apply_patches(patched.checkout, discard=True).backup
    git = patched.git
    assert git.run("cat-file", "blob", f"{backup}:src/llama.cpp").stdout == "edited after that\n"
    assert git.run("cat-file", "blob", f"{backup}^:src/llama.cpp").stdout == "staged\n"


def test_lock_of_another_git_is_not_broken(patched: Toy) -> None:
    lock = patched.checkout.tracking / ".git" / "index.lock"
    lock.touch()
    with pytest.raises(ToolError, match="a git command runs in it, or one was killed"):
        apply_patches(patched.checkout, discard=True)
    assert lock.exists()


def test_commits_on_a_branch_of_their_own_may_stay_behind(patched: Toy) -> None:
    patched.git.run("checkout", "-q", "-b", "for-upstream", patched.base)
    mine = patched.commit("Mine", {"src/llama.cpp": "mine\n"})
    apply_patches(patched.checkout)
    assert patched.git.id_of("refs/heads/for-upstream") == mine
    assert patched.state()["branch"] == "refs/heads/llamapack\n"


def test_commits_of_a_series_that_was_committed_once_are_held(patched: Toy) -> None:
    project = type(patched.git).create(patched.checkout.root)
    commit_files(project, {}, "All\n")
    (patched.checkout.patches / "0003-add-a-file.patch").unlink()
    result = apply_patches(patched.checkout)
    assert len(result.done) == 2
    assert result.backup == ""


def test_commits_of_a_series_that_was_never_committed_are_not(patched: Toy) -> None:
    type(patched.git).create(patched.checkout.root)
    (patched.checkout.patches / "0003-add-a-file.patch").unlink()
    with pytest.raises(ToolError, match=r"no patch file holds: .* Add a file"):
        apply_patches(patched.checkout)


@pytest.fixture
def conflicting(patched: Toy) -> Toy:
    """Give a checkout whose pin was moved to a commit with which the second of three patches conflicts."""
    newer = commit_files(
        patched.upstream, {"ggml/src/cpu.c": edited(20, "theirs 20"), "docs/manual.md": "new\n"}, "Newer\n"
    )
    patched.pin(newer)
    return patched


def test_conflict_stops_names_everything_and_keeps_the_am_open(conflicting: Toy) -> None:
    with pytest.raises(ConflictError) as stop:
        apply_patches(conflicting.checkout)
    assert stop.value.patch == "0002-score-it.patch"
    assert stop.value.files == ("ggml/src/cpu.c",)
    assert "0002-score-it.patch does not apply: ggml/src/cpu.c (1 of 3 patches are dealt with)" in stop.value.what
    for command in ("inv vendor.continue", "inv vendor.continue --skip", "inv vendor.abort"):
        assert command in stop.value.fix
    tracking = read_status(conflicting.checkout).tracking
    assert tracking is not None
    assert tracking.risk.state.operation == "am"
    assert tracking.operation is not None
    assert (len(tracking.operation.done), tracking.operation.current) == (1, "0002-score-it.patch")


def test_resolved_conflict_is_gone_on_from(conflicting: Toy) -> None:
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    conflicting.write("ggml/src/cpu.c", edited(20, "both 20"))
    conflicting.git.run("add", "ggml/src/cpu.c")
    result = continue_operation(conflicting.checkout)
    assert [done.how for done in result.done] == ["clean", "resolved", "clean"]
    assert conflicting.git.run("show", "HEAD:ggml/src/cpu.c").stdout == edited(20, "both 20")
    assert conflicting.git.ask("log", "-1", "--format=%an %s", "HEAD~1") == "Ada Öst Score it"
    create_patches(conflicting.checkout)
    assert list(conflicting.patches()) == [
        "0001-change-the-first-lines.patch",
        "0002-score-it.patch",
        "0003-add-a-file.patch",
    ]


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ("unmerged", "ggml/src/cpu.c"),
        ("unstaged", "Not staged in .*: src/llama.cpp"),
        ("untracked", "Not staged in .*: note.txt"),
        ("nothing", "Nothing is left of 0002-score-it.patch"),
        ("markers", "Conflict markers are in ggml/src/cpu.c"),
    ],
)
def test_unresolved_conflict_is_not_gone_on_from(conflicting: Toy, left: str, words: str) -> None:
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    git = conflicting.git
    if left == "nothing":
        git.run("checkout", "HEAD", "--", "ggml/src/cpu.c")
    elif left == "markers":
        git.run("add", "ggml/src/cpu.c")
    elif left != "unmerged":
        conflicting.write("ggml/src/cpu.c", edited(20, "both 20"))
        git.run("add", "ggml/src/cpu.c")
        conflicting.write({"unstaged": "src/llama.cpp", "untracked": "note.txt"}[left], "more\n")
    before = conflicting.state()
    with pytest.raises(ToolError, match=words):
        continue_operation(conflicting.checkout)
    assert conflicting.state() == before


def test_patch_can_be_left_out_and_its_edits_are_kept(conflicting: Toy) -> None:
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    conflicting.write("ggml/src/cpu.c", "half done\n")
    result = continue_operation(conflicting.checkout, skip=True)
    assert [done.how for done in result.done] == ["clean", "dropped", "clean"]
    (backup,) = backups(conflicting.git)
    assert conflicting.git.run("show", f"{backup}:ggml/src/cpu.c").stdout == "half done\n"


def test_abort_goes_back_and_keeps_the_edits(conflicting: Toy) -> None:
    before = conflicting.state()
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    conflicting.write("ggml/src/cpu.c", "half done\n")
    backup = abort_operation(conflicting.checkout)
    assert conflicting.state() == before
    assert conflicting.git.run("show", f"{backup}:ggml/src/cpu.c").stdout == "half done\n"


def test_abort_keeps_commits_that_were_resolved(conflicting: Toy) -> None:
    third = conflicting.checkout.patches / "0003-add-a-file.patch"
    third.write_bytes(third.read_bytes().replace(b"src/new.cpp", b"docs/manual.md"))
    before = conflicting.state()
    with pytest.raises(ToolError):
        apply_patches(conflicting.checkout, discard=True)
    conflicting.write("ggml/src/cpu.c", edited(20, "both 20"))
    conflicting.git.run("add", "ggml/src/cpu.c")
    with pytest.raises(ConflictError, match=r"0003-add-a-file.patch"):
        continue_operation(conflicting.checkout)
    backup = abort_operation(conflicting.checkout)
    assert conflicting.state()["HEAD"] == before["HEAD"]
    assert conflicting.git.run("show", f"{backup}:ggml/src/cpu.c").stdout == edited(20, "both 20")


def test_abort_keeps_what_was_concluded_by_hand(conflicting: Toy) -> None:
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    conflicting.write("ggml/src/cpu.c", edited(20, "both 20"))
    conflicting.git.run("add", "ggml/src/cpu.c")
    conflicting.git.run("am", "--continue")
    backup = abort_operation(conflicting.checkout)
    assert conflicting.git.run("show", f"{backup}:ggml/src/cpu.c").stdout == edited(20, "both 20")


def test_head_that_was_moved_while_patches_were_applied_is_not_taken_for_one(conflicting: Toy) -> None:
    """After a kill between two patches, `git reset` would make the next one count as applied."""
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    git = conflicting.git
    operation = current_operation(git)
    assert operation is not None
    git.run("am", "--abort")
    save(git, replace(operation, stopped=False))
    git.run("reset", "-q", "--hard", "HEAD~1")
    with pytest.raises(ToolError, match="which does not stand on") as refusal:
        continue_operation(conflicting.checkout)
    assert f"git checkout -B llamapack {operation.before[:9]}" in refusal.value.fix
    git.run("checkout", "-q", "-B", "llamapack", operation.before[:9])
    with pytest.raises(ConflictError, match=r"0002-score-it.patch"):
        continue_operation(conflicting.checkout)


def test_branch_without_a_commit_is_refused_before_anything_moves(patched: Toy) -> None:
    patched.git.run("checkout", "-q", "--orphan", "empty")
    before = patched.state()
    for discard in (False, True):
        with pytest.raises(ToolError, match="is on a branch without a commit") as refusal:
            apply_patches(patched.checkout, discard=discard)
        assert "git checkout --force llamapack" in refusal.value.fix
    assert patched.state() == before


def test_abort_returns_to_the_branch_that_was_left(conflicting: Toy) -> None:
    conflicting.git.run("checkout", "-q", "-b", "for-upstream", "HEAD~2")
    before = conflicting.state()
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    abort_operation(conflicting.checkout)
    assert conflicting.state() == before


def test_conflict_that_was_concluded_by_hand_is_gone_on_from(conflicting: Toy) -> None:
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    conflicting.write("ggml/src/cpu.c", edited(20, "both 20"))
    conflicting.git.run("add", "ggml/src/cpu.c")
    conflicting.git.run("am", "--continue")
    assert [done.how for done in continue_operation(conflicting.checkout).done] == ["clean", "resolved", "clean"]


def test_am_that_was_closed_by_hand_is_asked_about(conflicting: Toy) -> None:
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    conflicting.git.run("am", "--abort")
    with pytest.raises(ToolError, match="was closed, and there is no commit of it") as refusal:
        continue_operation(conflicting.checkout)
    assert "--skip" in refusal.value.fix
    assert "inv vendor.abort" in refusal.value.fix


def test_second_apply_during_a_conflict_points_to_continue_and_abort(conflicting: Toy) -> None:
    with pytest.raises(ConflictError):
        apply_patches(conflicting.checkout)
    before = conflicting.state()
    with pytest.raises(ToolError, match="An apply is under way") as refusal:
        apply_patches(conflicting.checkout, discard=True)
    assert "inv vendor.continue" in refusal.value.fix
    assert conflicting.state() == before


@pytest.mark.parametrize("command", [continue_operation, abort_operation])
def test_nothing_under_way_is_said(patched: Toy, command: Callable[..., object]) -> None:
    with pytest.raises(ToolError, match="No apply or bump is under way"):
        command(patched.checkout)


def test_patch_that_git_cannot_read_is_named(patched: Toy) -> None:
    (patched.checkout.patches / "0004-broken.patch").write_text("not a patch\n", encoding="utf-8")
    before = patched.state()
    with pytest.raises(ToolError, match=r"git cannot read 0004-broken.patch") as refusal:
        apply_patches(patched.checkout)
    assert "inv vendor.abort" in refusal.value.fix
    abort_operation(patched.checkout)
    assert patched.state() == before


def test_patch_that_upstream_has_is_said_to_be_superfluous(patched: Toy) -> None:
    newer = commit_files(patched.upstream, {"ggml/src/cpu.c": edited(20, "ours 20")}, "Take it\n")
    patched.pin(newer)
    assert [done.how for done in apply_patches(patched.checkout).done] == ["clean", "upstream", "clean"]


def test_badly_named_or_equally_numbered_patches_are_refused(patched: Toy) -> None:
    folder = patched.checkout.patches
    (folder / "0003-another.patch").write_bytes((folder / "0003-add-a-file.patch").read_bytes())
    with pytest.raises(ToolError, match=r"0003-add-a-file.patch and 0003-another.patch .* have the same number"):
        apply_patches(patched.checkout)
    (folder / "0003-another.patch").rename(folder / "my fix.patch")
    with pytest.raises(ToolError, match=r"my fix.patch is not named as a patch of the series"):
        apply_patches(patched.checkout)


def test_folder_that_is_no_repository_is_left_alone(toy: Toy) -> None:
    toy.checkout.tracking.mkdir(parents=True)
    (toy.checkout.tracking / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ToolError, match="holds files, and no git repository"):
        apply_patches(toy.checkout)
    assert (toy.checkout.tracking / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_toy_has_the_headers_that_patches_need(patched: Toy) -> None:
    assert HEADERS.encode() in patched.patches()["0002-score-it.patch"]
    assert set(FILES) <= {*patched.git.names("ls-files", "-z")}
