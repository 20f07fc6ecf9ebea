"""Copying into the packages: by content, only what differs, and never over what is not upstream's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.toy_upstream import AUTHOR, FILES, FILTER, Toy, commit_files, edited
from tools.errors import ToolError
from tools.git.snapshot import Entry, require_plain
from tools.util.files import remove_tree
from tools.vendoring.apply import ConflictError, apply_patches
from tools.vendoring.create_patches import create_patches
from tools.vendoring.ensure import ensure_source
from tools.vendoring.source.filters import Section, load_filter, pattern_matches
from tools.vendoring.source.manifest import read_manifest
from tools.vendoring.sync import Synced, sync

TAKEN = (
    "CMakeLists.txt",
    "LICENSE",
    "ggml/src/cpu.c",
    "ggml/src/ggml.c",
    "src/llama.cpp",
    "src/new.cpp",
    "src/tool.sh",
)


@pytest.fixture
def synced(patched: Toy) -> Toy:
    """Give a patched checkout whose package tree is there."""
    sync(patched.checkout)
    return patched


def times(toy: Toy) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in toy.synced.rglob("*")}


def only(report_trees: tuple[Synced, ...]) -> Synced:
    (tree,) = report_trees
    return tree


def upstream_commit(toy: Toy, files: dict[str, str], *removed: str) -> str:
    """Commit upstream, pin it, and move the patches onto it."""
    for name in removed:
        (toy.upstream.folder / name).unlink()
    toy.pin(commit_files(toy.upstream, files, "Newer\n"))
    apply_patches(toy.checkout)
    return toy.base


def test_exactly_the_taken_files_arrive(synced: Toy) -> None:
    there = {p.relative_to(synced.synced).as_posix() for p in synced.synced.rglob("*") if p.is_file()}
    assert there == {*TAKEN, "llamapack-manifest.json"}
    assert (synced.synced / "src/llama.cpp").read_bytes() == edited(3, "ours 3").encode()


def test_manifest_says_what_it_was_made_from(synced: Toy) -> None:
    data = json.loads((synced.synced / "llamapack-manifest.json").read_text(encoding="utf-8"))
    assert data["commit"] == synced.base
    assert data["tree"] == synced.git.id_of(f"{synced.base}^{{tree}}")
    assert data["build_number"] == 7
    assert data["ggml_tree"] == synced.git.id_of("HEAD:ggml") != synced.git.id_of(f"{synced.base}:ggml")
    assert [patch["name"] for patch in data["patches"]] == list(synced.patches())
    assert data["files"]["src/tool.sh"]["mode"] == "100755"
    assert tuple(data["files"]) == TAKEN


def test_unchanged_tree_is_not_touched(synced: Toy) -> None:
    before = times(synced)
    assert only(sync(synced.checkout).trees) == Synced(section="core", into=synced.synced)
    assert times(synced) == before


def test_time_stamps_do_not_count(synced: Toy) -> None:
    before = times(synced)
    for path in synced.checkout.tracking.rglob("*.c"):
        os.utime(path, (1, 1))
    sync(synced.checkout)
    assert times(synced) == before


def test_dirty_edit_arrives_and_only_that_file_is_written(synced: Toy) -> None:
    before = times(synced)
    synced.write("ggml/src/ggml.c", edited(7, "edit"))
    tree = only(sync(synced.checkout).trees)
    assert (tree.added, tree.changed, tree.removed) == ((), ("ggml/src/ggml.c",), ())
    assert (synced.synced / "ggml/src/ggml.c").read_bytes() == edited(7, "edit").encode()
    touched = {Path(name).name for name, time in times(synced).items() if before.get(name) != time}
    assert touched - {"src", "llama.cpp"} == {"ggml.c", "llamapack-manifest.json"}


def test_edit_changes_the_ggml_tree_in_the_manifest(synced: Toy) -> None:
    before = read_manifest(synced.synced)
    synced.write("ggml/src/ggml.c", edited(7, "edit"))
    sync(synced.checkout)
    after = read_manifest(synced.synced)
    assert before is not None
    assert after is not None
    assert before.ggml_tree != after.ggml_tree
    assert after.commit == before.commit


def test_new_and_removed_files_follow(synced: Toy) -> None:
    synced.write("src/deep/er/more.cpp", "more\n")
    (synced.checkout.tracking / "src/new.cpp").unlink()
    tree = only(sync(synced.checkout).trees)
    assert (tree.added, tree.changed, tree.removed) == (("src/deep/er/more.cpp",), (), ("src/new.cpp",))
    (synced.checkout.tracking / "src/deep/er/more.cpp").unlink()
    assert only(sync(synced.checkout).trees).removed == ("src/deep/er/more.cpp",)
    assert not (synced.synced / "src/deep").exists()


def test_file_becomes_folder_and_back(synced: Toy) -> None:
    (synced.checkout.tracking / "src/new.cpp").unlink()
    synced.write("src/new.cpp/inside", "x")
    assert only(sync(synced.checkout).trees).added == ("src/new.cpp/inside",)
    (synced.checkout.tracking / "src/new.cpp/inside").unlink()
    (synced.checkout.tracking / "src/new.cpp").rmdir()
    synced.write("src/new.cpp", "y")
    assert only(sync(synced.checkout).trees).removed == ("src/new.cpp/inside",)
    assert (synced.synced / "src/new.cpp").read_text(encoding="utf-8") == "y"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no executable bit")
def test_executable_bit_follows_alone(synced: Toy) -> None:
    (synced.checkout.tracking / "src/tool.sh").chmod(0o644)
    assert only(sync(synced.checkout).trees).changed == ("src/tool.sh",)
    assert not os.access(synced.synced / "src/tool.sh", os.X_OK)


def test_ignored_files_stay_behind(synced: Toy) -> None:
    synced.write(".gitignore", "*.o\n")
    synced.write("src/llama.o", "binary")
    sync(synced.checkout)
    assert not (synced.synced / "src/llama.o").exists()


def test_what_is_new_and_gone_upstream_is_told(synced: Toy) -> None:
    upstream_commit(synced, {"src/fresh.cpp": "f\n", "docs/fresh.md": "f\n"}, "CMakeLists.txt")
    report = sync(synced.checkout)
    assert report.upstream_new == {"docs/fresh.md": (), "src/fresh.cpp": ("core",)}
    assert report.upstream_gone == ("CMakeLists.txt",)
    assert only(report.trees).removed == ("CMakeLists.txt",)


def test_pin_that_moves_without_a_taken_file_rewrites_the_manifest(synced: Toy) -> None:
    before = times(synced)
    upstream_commit(synced, {"docs/manual.md": "changed\n"})
    tree = only(sync(synced.checkout).trees)
    assert (tree.added, tree.changed, tree.removed, tree.manifest_written) == ((), (), (), True)
    changed = {Path(name).name for name, time in times(synced).items() if before.get(name) != time}
    assert changed <= {"llamapack-manifest.json", "llama.cpp"}
    manifest = read_manifest(synced.synced)
    assert manifest is not None
    assert manifest.commit == synced.base


def test_own_file_is_protected(synced: Toy) -> None:
    (synced.synced / "OURS.md").write_text("ours", encoding="utf-8")
    upstream_commit(synced, {"src/fresh.cpp": "f\n"}, "LICENSE")
    sync(synced.checkout)
    assert (synced.synced / "OURS.md").read_text(encoding="utf-8") == "ours"
    assert ensure_source(synced.checkout.root).made is False


def test_own_file_that_upstream_has_too_is_refused(synced: Toy) -> None:
    text = FILTER.replace('"OURS.md"', '"LICENSE"')
    synced.checkout.filter_file.write_text(text, encoding="utf-8")
    with pytest.raises(ToolError, match=r"LICENSE is listed as ours in \[core\] .* and upstream has it too"):
        sync(synced.checkout)


@pytest.mark.parametrize("discard", [False, True])
def test_unlisted_file_stops_the_sync_and_stays(synced: Toy, discard: bool) -> None:
    stray = synced.synced / "src" / "notes.txt"
    stray.write_text("mine", encoding="utf-8")
    synced.write("ggml/src/ggml.c", edited(7, "edit"))
    before = times(synced)
    with pytest.raises(ToolError, match=r"has a file not listed in vendor/sync.toml and not upstream's: src/notes.txt"):
        sync(synced.checkout, discard=discard)
    assert times(synced) == before
    assert stray.read_text(encoding="utf-8") == "mine"


def test_unlisted_file_where_upstream_puts_one_stops_the_sync(synced: Toy) -> None:
    (synced.synced / "src/fresh.cpp").write_text("mine", encoding="utf-8")
    upstream_commit(synced, {"src/fresh.cpp": "f\n"})
    with pytest.raises(ToolError, match=r"not listed in vendor/sync.toml .*: src/fresh.cpp"):
        sync(synced.checkout)
    assert (synced.synced / "src/fresh.cpp").read_text(encoding="utf-8") == "mine"


def test_hand_edited_file_stops_the_sync_until_it_is_discarded(synced: Toy, cache: Path) -> None:
    file = synced.synced / "src/llama.cpp"
    file.write_text("by hand\n", encoding="utf-8")
    with pytest.raises(ToolError, match="Edited by hand in a synced tree") as refusal:
        sync(synced.checkout)
    assert str(file) in refusal.value.what
    assert str(synced.checkout.tracking) in refusal.value.fix
    assert file.read_text(encoding="utf-8") == "by hand\n"
    report = sync(synced.checkout, discard=True)
    assert report.saved is not None
    assert report.saved.is_relative_to(cache)
    assert (report.saved / file.relative_to(synced.checkout.root)).read_text(encoding="utf-8") == "by hand\n"
    assert file.read_bytes() == edited(3, "ours 3").encode()


def test_lost_or_damaged_manifest_is_written_anew(synced: Toy) -> None:
    manifest = synced.synced / "llamapack-manifest.json"
    text = manifest.read_bytes()
    manifest.unlink()
    sync(synced.checkout)
    assert manifest.read_bytes() == text
    manifest.write_text("{", encoding="utf-8")
    with pytest.raises(ToolError, match=r"llamapack-manifest.json is damaged"):
        ensure_source(synced.checkout.root)
    sync(synced.checkout)
    assert manifest.read_bytes() == text


def test_conflict_markers_are_refused(synced: Toy) -> None:
    synced.write("src/llama.cpp", "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n")
    before = times(synced)
    with pytest.raises(ToolError, match=r"Conflict markers are in src/llama.cpp"):
        sync(synced.checkout)
    assert times(synced) == before


def test_markers_that_upstream_has_are_upstreams_business(synced: Toy) -> None:
    upstream_commit(synced, {"src/test.cpp": "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n"})
    assert only(sync(synced.checkout).trees).added == ("src/test.cpp",)


def test_open_am_is_refused(synced: Toy) -> None:
    synced.pin(commit_files(synced.upstream, {"ggml/src/cpu.c": edited(20, "theirs")}, "Newer\n"))
    with pytest.raises(ConflictError):
        apply_patches(synced.checkout)
    before = times(synced)
    with pytest.raises(ToolError, match=r"An unfinished apply is open in .* Files in conflict: ggml/src/cpu.c"):
        sync(synced.checkout)
    assert times(synced) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_link_to_a_file_arrives_as_that_file(synced: Toy) -> None:
    (synced.checkout.tracking / "src/link.cpp").symlink_to("../ggml/src/ggml.c")
    (synced.checkout.tracking / "src/link2.cpp").symlink_to("link.cpp")
    sync(synced.checkout)
    for name in ("src/link.cpp", "src/link2.cpp"):
        assert not (synced.synced / name).is_symlink()
        assert (synced.synced / name).read_bytes() == FILES["ggml/src/ggml.c"].encode()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize("target", ["/etc/hostname", "../../../outside", "missing", "../ggml", "odd.cpp"])
def test_link_out_of_the_tree_is_refused(synced: Toy, target: str) -> None:
    (synced.checkout.tracking / "src/odd.cpp").symlink_to(target)
    before = times(synced)
    with pytest.raises(ToolError, match=r"src/odd.cpp is a symbolic link that does not lead to one of its files"):
        sync(synced.checkout)
    assert times(synced) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_link_inside_a_synced_tree_is_not_written_through(synced: Toy, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (synced.synced / "src").rename(outside)
    (synced.synced / "src").symlink_to(outside)
    synced.write("src/llama.cpp", "edit\n")
    with pytest.raises(ToolError, match=r"not listed in vendor/sync.toml and not upstream's: src"):
        sync(synced.checkout)
    assert (outside / "llama.cpp").read_bytes() == edited(3, "ours 3").encode()


@pytest.mark.parametrize(("first", "second"), [("src/Llama.cpp", "src/llama.cpp"), ("SRC/x.cpp", "src/llama.cpp")])
def test_names_that_differ_only_in_case_are_refused(synced: Toy, first: str, second: str) -> None:
    blob = synced.git.run("hash-object", "-w", "--stdin", stdin="x").stdout.strip()
    synced.git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{first}")
    synced.git.with_variables(**AUTHOR).run("commit", "-q", "-m", "Collide")
    synced.git.run("checkout", "--", ".")
    synced.checkout.filter_file.write_text(FILTER.replace('"src/"', '"src/", "SRC/"'), encoding="utf-8")
    with pytest.raises(ToolError, match="would be one on a system that ignores case") as refusal:
        sync(synced.checkout)
    assert first.split("/")[0] in refusal.value.what
    assert second.split("/")[0] in refusal.value.what


def test_names_that_differ_only_in_how_accents_are_written_are_refused() -> None:
    same = Entry(mode="100644", blob="0")
    require_plain({"src/\u00e4.c": same, "src/a.c": same})
    with pytest.raises(ToolError, match="would be one on a system that ignores case"):
        require_plain({"src/\u00e4.c": same, "src/a\u0308.c": same})


def test_two_packages_get_a_tree_each(synced: Toy) -> None:
    more = '\n[cuda]\ninto = "packages/backend-cuda/native/llama.cpp"\ntake = ["ggml/src/*.c", "!ggml/src/cpu.c"]\n'
    synced.checkout.filter_file.write_text(FILTER + more, encoding="utf-8")
    state = ensure_source(synced.checkout.root)
    assert [path.parts[-3] for path in state.synced] == ["core", "backend-cuda"]
    assert {p.name for p in state.synced[1].rglob("*") if p.is_file()} == {"ggml.c", "llamapack-manifest.json"}
    first, second = (read_manifest(path) for path in state.synced)
    assert first is not None
    assert second is not None
    assert first.ggml_tree == second.ggml_tree


class TestEnsureSource:
    """What Nox calls: it makes what is missing, and changes nothing that is there."""

    def test_first_call_makes_everything(self, patched: Toy) -> None:
        state = ensure_source(patched.checkout.root)
        assert (state.made, state.commit, state.local) == (True, patched.base, False)
        assert state.ggml_tree == patched.git.id_of("HEAD:ggml")

    def test_next_call_touches_nothing(self, synced: Toy) -> None:
        before = times(synced)
        state = ensure_source(synced.checkout.root)
        assert (state.made, state.origin) == (False, "here")
        assert times(synced) == before

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ("edit", r"src/llama.cpp \(edited\).*Next: inv vendor.sync --discard \(undoes"),
            ("remove", r"src/llama.cpp \(missing\).*Next: inv vendor.sync$"),
            ("stray", r"src/stray.cpp \(unlisted\).*Next: move src/stray.cpp away, or list them under `own`"),
            (
                "patches",
                "is stale: patches/ has changed since.*Next: git branch mine .*; or inv vendor.apply-patches --discard",
            ),
            ("filter", r"is stale: \[core\] of vendor/sync.toml has changed since.*Next: inv vendor.sync$"),
            ("pin", "is stale: it was made from llama.cpp .*, and .* is pinned.*Next: inv vendor.apply-patches$"),
            ("tracking", r"was changed after it was copied to.*Next: inv vendor.sync \(to build with the edits\); or "),
            ("next", "is stale: a sync was cut off.*Next: inv vendor.sync$"),
        ],
    )
    def test_stale_or_edited_tree_is_refused_with_the_command(self, synced: Toy, change: str, words: str) -> None:
        _spoil(synced, change)
        before = times(synced)
        with pytest.raises(ToolError, match=f"(?s){words}"):
            ensure_source(synced.checkout.root)
        assert times(synced) == before

    def test_other_branch_in_the_tracking_repository_does_not_stop_builds(self, synced: Toy) -> None:
        synced.git.run("checkout", "-q", "-b", "for-upstream", synced.base)
        assert ensure_source(synced.checkout.root).made is False

    def test_conflicting_series_is_refused_and_nothing_is_made(self, patched: Toy) -> None:
        toy = patched
        remove_tree(toy.checkout.tracking)
        for name, content in patched.patches().items():
            (toy.checkout.patches / name).write_bytes(content.replace(b"line 20", b"other 20"))
        with pytest.raises(ToolError, match=r"0002-score-it.patch does not apply: ggml/src/cpu.c") as refusal:
            ensure_source(toy.checkout.root)
        assert "inv vendor.apply-patches" in refusal.value.fix
        assert not toy.checkout.tracking.exists()
        assert not toy.synced.exists()


def _spoil(toy: Toy, change: str) -> None:
    if change == "edit":
        (toy.synced / "src/llama.cpp").write_text("by hand", encoding="utf-8")
    elif change == "remove":
        (toy.synced / "src/llama.cpp").unlink()
    elif change == "stray":
        (toy.synced / "src/stray.cpp").touch()
    elif change == "patches":
        (toy.checkout.patches / "0003-add-a-file.patch").unlink()
    elif change == "filter":
        toy.checkout.filter_file.write_text(FILTER.replace('"LICENSE", ', ""), encoding="utf-8")
    elif change == "pin":
        toy.pin(commit_files(toy.upstream, {}, "Newer\n"))
    elif change == "tracking":
        toy.write("ggml/src/ggml.c", "edit\n")
    else:
        manifest = toy.synced / "llamapack-manifest.json"
        manifest.with_name("llamapack-manifest.json.next").write_bytes(manifest.read_bytes())


def test_iterating_reaches_the_build_before_and_after_the_commit(synced: Toy) -> None:
    synced.write("ggml/src/ggml.c", edited(7, "edit"))
    sync(synced.checkout)
    dirty = ensure_source(synced.checkout.root).ggml_tree
    synced.commit("Keep it", {})
    create_patches(synced.checkout)
    sync(synced.checkout)
    assert ensure_source(synced.checkout.root).ggml_tree == dirty


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("src/*", "src/a.c", True),
        ("src/*", "src/deep/a.c", False),
        ("src/**", "src/deep/a.c", True),
        ("src/", "src/deep/a.c", True),
        ("src/", "src", False),
        ("**/*.md", "README.md", True),
        ("**/*.md", "a/b/README.md", True),
        ("tools/**/*.md", "tools/README.md", True),
        ("*.c", "src/a.c", False),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    assert pattern_matches(pattern, path) is matches


def test_last_pattern_decides_and_idle_ones_are_found() -> None:
    section = Section(name="core", into="x", take=("src/", "!src/a*", "src/ab", "docs/", "!gone/"))
    assert [path for path in ("src/b", "src/ac", "src/ab", "x") if section.takes(path)] == ["src/b", "src/ab"]
    assert section.idle(["src/b", "src/ab"]) == ("docs/", "!gone/")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("into = 3", r"sync.toml: into is 3, a number"),
        ("[core]\ninto='x'\ntake=['a']\ntakes=1", r"core has an unknown key 'takes'"),
        ("[core]\ninto='../x'\ntake=['a']", r"core.into is '../x'"),
        ("[core]\ninto='/x'\ntake=['a']", r"core.into is '/x'"),
        ("[core]\ninto='x'", r"core has no 'take'"),
        ("[core]\ninto='x'\ntake=[]", r"core.take is \[\]"),
        ("[core]\ninto='x'\ntake=['!']", r"core.take is \['!'\]"),
        ("[a]\ninto='x'\ntake=['a']\n[b]\ninto='x/y'\ntake=['a']", r"b.into is inside a.into"),
        ("[core", "is not valid TOML"),
    ],
)
def test_malformed_filter_is_refused_by_its_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sync.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ToolError, match=words):
        load_filter(path)
