"""Moving the pin: previewed, resolved, gone on from, given up; and the maintainer's three journeys."""

from __future__ import annotations

import pytest

from tests.support.toy_upstream import HEADERS, LINES, Toy, commit_files, edited
from tools.errors import ToolError
from tools.git.repository import Git
from tools.util.files import remove_tree
from tools.vendoring import bump as bumping
from tools.vendoring.apply import ConflictError, abort_operation, apply_patches, continue_operation
from tools.vendoring.bump import bump, preview_bump
from tools.vendoring.check import check
from tools.vendoring.create_patches import create_patches, new_patch
from tools.vendoring.ensure import ensure_source
from tools.vendoring.source.manifest import read_manifest
from tools.vendoring.source.pin import load_pin
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync


@pytest.fixture
def four(patched: Toy) -> Toy:
    """Give a checkout whose four patches meet, on the newer commit: nothing, a merge, a conflict, themselves."""
    git = patched.git
    git.run("reset", "-q", "--hard", patched.base)
    patched.commit("Go in as it is", {"src/llama.cpp": edited(3, "ours 3")})
    patched.commit("Need a merge", {"ggml/src/ggml.c": edited(10, "ours 10")})
    patched.commit("Conflict", {"ggml/src/cpu.c": edited(20, "ours 20")})
    patched.commit("Go upstream", {"src/new.cpp": LINES})
    create_patches(patched.checkout)
    sync(patched.checkout)
    (patched.checkout.root / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n### Added\n\n- Much.\n")
    return patched


@pytest.fixture
def newer(four: Toy) -> str:
    """Give the newer commit of the upstream, which a tag names."""
    files = {
        "ggml/src/ggml.c": edited(12, "theirs 12"),
        "ggml/src/cpu.c": edited(20, "theirs 20"),
        "src/new.cpp": LINES,
        "src/more.cpp": "more\n",
    }
    commit = commit_files(four.upstream, files, "Newer\n")
    four.upstream.run("tag", "b1234")
    return commit


HOWS = {
    "0001-go-in-as-it-is.patch": "clean",
    "0002-need-a-merge.patch": "fuzzy",
    "0003-conflict.patch": "conflict",
    "0004-go-upstream.patch": "upstream",
}


def test_preview_says_how_each_patch_would_go_and_changes_nothing(four: Toy, newer: str) -> None:
    before, patches = four.state(), four.patches()
    preview = preview_bump(four.checkout, newer)
    assert {outcome.name: outcome.how for outcome in preview.outcomes} == HOWS
    assert preview.outcomes[2].files == ("ggml/src/cpu.c",)
    assert (preview.old.commit, preview.new.commit) == (four.base, newer)
    assert (four.state(), four.patches()) == (before, patches)
    assert four.git.ask("for-each-ref", "refs/llamapack/wanted") == ""


def test_bump_journey_ends_in_one_change_to_commit(four: Toy, newer: str) -> None:
    project = Git.create(four.checkout.root)
    (four.checkout.root / ".gitignore").write_text("/vendor/llama.cpp/\n/packages/*/native/llama.cpp/\n/build/\n")
    commit_files(project, {}, "All\n")
    old = read_manifest(four.synced)
    with pytest.raises(ConflictError, match=r"0003-conflict.patch does not apply: ggml/src/cpu.c \(2 of 4"):
        bump(four.checkout, "b1234")
    assert load_pin(four.checkout.pin_file).commit != newer
    four.write("ggml/src/cpu.c", edited(20, "both 20"))
    four.git.run("add", "ggml/src/cpu.c")
    result = continue_operation(four.checkout)
    assert [done.how for done in result.done] == ["clean", "fuzzy", "resolved", "upstream"]
    written = create_patches(four.checkout)
    assert (written.removed, written.incomplete) == (("0004-go-upstream.patch",), ())
    report = sync(four.checkout)
    assert report.upstream_new == {"src/more.cpp": ("core",)}
    assert check(four.checkout) == ()
    pin, manifest = load_pin(four.checkout.pin_file), read_manifest(four.synced)
    assert (pin.commit, pin.build_number) == (newer, 1234)
    assert (pin.tree, pin.ggml_tree) == tuple(four.upstream.id_of(f"{newer}{part}") for part in ("^{tree}", ":ggml"))
    assert old is not None
    assert manifest is not None
    assert (manifest.commit, manifest.build_number) == (newer, 1234)
    assert manifest.ggml_tree != old.ggml_tree
    changelog = (four.checkout.root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog == (
        "# Changelog\n\n## Unreleased\n\n### Added\n\n- Much.\n\n### Changed\n\n"
        f"- llama.cpp is now at {newer[:9]} (b1234, 2026-01-02).\n"
    )
    assert project.run("status", "--porcelain").stdout.splitlines() == [
        " M CHANGELOG.md",
        " M patches/0002-need-a-merge.patch",
        " M patches/0003-conflict.patch",
        " D patches/0004-go-upstream.patch",
        " M vendor/llama.cpp.toml",
    ]


def test_builds_refuse_the_old_tree_between_bump_and_sync(four: Toy) -> None:
    clean = commit_files(four.upstream, {"docs/manual.md": "2\n"}, "Newer\n")
    bump(four.checkout, clean)
    with pytest.raises(ToolError, match=f"made from llama.cpp .*, and {clean[:9]} is pinned"):
        ensure_source(four.checkout.root)


def test_given_up_bump_leaves_no_trace(four: Toy, newer: str) -> None:
    before, patches = four.state(), four.patches()
    changelog = (four.checkout.root / "CHANGELOG.md").read_bytes()
    with pytest.raises(ConflictError):
        bump(four.checkout, newer)
    abort_operation(four.checkout)
    assert (four.state(), four.patches()) == (before, patches)
    assert (four.checkout.root / "CHANGELOG.md").read_bytes() == changelog
    assert read_status(four.checkout).next == ()


def test_finished_bump_is_taken_back_with_its_files(four: Toy) -> None:
    before, patches = four.state(), four.patches()
    changelog = (four.checkout.root / "CHANGELOG.md").read_bytes()
    bump(four.checkout, commit_files(four.upstream, {"ggml/src/ggml.c": edited(12, "theirs 12")}, "Newer\n"))
    assert not create_patches(four.checkout).is_same
    sync(four.checkout)
    for name, content in patches.items():
        (four.checkout.patches / name).write_bytes(content)
    (four.checkout.root / "CHANGELOG.md").write_bytes(changelog)
    four.checkout.pin_file.write_text(before["pin"], encoding="utf-8")
    assert read_status(four.checkout).next[-1] == "inv vendor.apply-patches --discard (a backup ref is left)"
    assert apply_patches(four.checkout, discard=True).backup
    sync(four.checkout)
    assert (four.patches(), four.git.id_of("HEAD^{tree}")) == (patches, four.git.id_of(f"{before['HEAD']}^{{tree}}"))
    assert (read_status(four.checkout).next, check(four.checkout)) == ((), ())


def test_branch_of_the_upstream_can_be_bumped_to(four: Toy) -> None:
    tip = commit_files(four.upstream, {"docs/manual.md": "2\n"}, "Newer\n")
    bump(four.checkout, "master")
    pin = load_pin(four.checkout.pin_file)
    assert (pin.commit, pin.build_number, pin.mirrors) == (tip, 0, ())


def test_full_history_is_counted(four: Toy) -> None:
    tip = commit_files(four.upstream, {"docs/manual.md": "2\n"}, "Newer\n")
    four.git.attempt("fetch", "-q", "--unshallow", "origin")
    (four.git.dir / "shallow").unlink(missing_ok=True)
    bump(four.checkout, tip)
    assert load_pin(four.checkout.pin_file).build_number == 2


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("no-such-branch", "has no no-such-branch"),
        ("--upload-pack=evil", "is not a name of a commit"),
        ("", "is not a name of a commit"),
        ("package==1.0", "package==1.0 needs the SHA-256 of its source distribution, not ''"),
    ],
)
def test_wrong_references_are_refused(four: Toy, ref: str, words: str) -> None:
    before = four.state()
    with pytest.raises(ToolError, match=words):
        bump(four.checkout, ref)
    assert four.state() == before


def test_pinned_commit_is_not_bumped_to_and_nothing_is_discarded_for_it(four: Toy) -> None:
    four.write("src/llama.cpp", "edit\n")
    before = four.state()
    with pytest.raises(ToolError, match="which is pinned already"):
        bump(four.checkout, four.base, discard=True)
    assert four.state() == before


@pytest.mark.parametrize("reachable", [True, False])
@pytest.mark.parametrize("ref", ["llamapack", "fix", "id of our commit"])
def test_commits_that_nobody_else_has_are_never_pinned(
    four: Toy, newer: str, monkeypatch: pytest.MonkeyPatch, ref: str, reachable: bool
) -> None:
    four.git.run("branch", "fix", "HEAD~1")
    if not reachable:
        monkeypatch.setattr(bumping, "reach", lambda *_: "no network")
    ref = four.git.id_of("HEAD~2") if ref == "id of our commit" else ref
    before = four.state()
    with pytest.raises(ToolError, match=f"has no {ref}" if reachable else f"{ref} is not known here"):
        bump(four.checkout, ref)
    assert four.state() == before


def test_commit_that_was_fetched_before_is_bumped_to_without_network(
    four: Toy, newer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    four.git.run("fetch", "-q", str(four.upstream.folder), "refs/tags/b1234:refs/tags/b1234")
    monkeypatch.setattr(bumping, "reach", lambda *_: "no network")
    assert preview_bump(four.checkout, "b1234").new.commit == newer
    assert preview_bump(four.checkout, newer[:12]).new.commit == newer


def test_commit_that_is_not_llama_cpp_is_refused(four: Toy) -> None:
    remove_tree(four.upstream.folder / "ggml")
    odd = commit_files(four.upstream, {}, "Odd\n")
    with pytest.raises(ToolError, match="has no ggml folder"):
        bump(four.checkout, odd)


def test_unreachable_repository_is_said(four: Toy, newer: str) -> None:
    remove_tree(four.upstream.folder)
    with pytest.raises(ToolError, match=f"{newer} is not known here, and .* cannot be reached") as refusal:
        bump(four.checkout, newer)
    assert "inv vendor.bump NAME==VERSION --sha256 HASH" in refusal.value.fix


def test_edits_stop_the_bump(four: Toy, newer: str) -> None:
    four.write("src/llama.cpp", "edit\n")
    before = four.state()
    with pytest.raises(ToolError, match=r"The bump would lose .*\n  unstaged: src/llama.cpp"):
        bump(four.checkout, newer)
    assert four.state() == before


def test_iterate_journey(patched: Toy) -> None:
    sync(patched.checkout)
    patched.write("ggml/src/ggml.c", edited(7, "try one"))
    sync(patched.checkout)
    patched.write("ggml/src/ggml.c", edited(7, "try two"))
    sync(patched.checkout)
    assert (patched.synced / "ggml/src/ggml.c").read_bytes() == edited(7, "try two").encode()
    built = ensure_source(patched.checkout.root).ggml_tree
    patched.git.run("config", "user.name", "Ada")
    patched.git.run("config", "user.email", "ada@example.org")
    new_patch(patched.checkout, "Keep it", why="a", upstream="b", drop_when="c")
    assert create_patches(patched.checkout).added == ("0004-keep-it.patch",)
    sync(patched.checkout)
    assert ensure_source(patched.checkout.root).ggml_tree == built
    assert check(patched.checkout) == ()


def test_send_upstream_journey(patched: Toy) -> None:
    git = patched.git
    git.run("checkout", "-q", "-b", "score", "refs/llamapack/base")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "cherry-pick", "llamapack~1")
    assert git.ask("diff", "--name-only", "refs/llamapack/base", "score") == "ggml/src/cpu.c"
    patched.upstream.run("fetch", "-q", str(git.folder), "score")
    patched.upstream.run("-c", "user.name=M", "-c", "user.email=m@u", "cherry-pick", "FETCH_HEAD")
    git.run("checkout", "-q", "llamapack")
    bump(patched.checkout, "master")
    assert create_patches(patched.checkout).removed == ("0002-score-it.patch",)
    sync(patched.checkout)
    assert check(patched.checkout) == ()
    assert git.id_of("refs/heads/score")


def test_dropping_the_file_drops_the_patch_once_it_was_committed(patched: Toy) -> None:
    commit_files(Git.create(patched.checkout.root), {}, "All\n")
    (patched.checkout.patches / "0002-score-it.patch").unlink()
    apply_patches(patched.checkout)
    assert list(patched.patches()) == ["0001-change-the-first-lines.patch", "0003-add-a-file.patch"]
    create_patches(patched.checkout)
    assert list(patched.patches()) == ["0001-change-the-first-lines.patch", "0002-add-a-file.patch"]
    assert HEADERS.encode() in patched.patches()["0002-add-a-file.patch"]
