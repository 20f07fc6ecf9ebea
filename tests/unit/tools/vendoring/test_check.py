"""The gate: any difference between what is built and pin, patches and filter is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.toy_upstream import Toy, commit_files, copy_toy, edited
from tools.errors import ToolError
from tools.vendoring.apply import apply_patches
from tools.vendoring.check import check
from tools.vendoring.create_patches import create_patches
from tools.vendoring.source.pin import load_pin, render_pin
from tools.vendoring.sync import sync


@pytest.fixture(scope="module")
def good_template(patched_template: Toy, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Make the checkout that tests get copies of, and see once that the gate lets it pass."""
    toy = copy_toy(patched_template, tmp_path_factory.mktemp("good"))
    sync(toy.checkout)
    assert check(toy.checkout) == ()
    return toy


@pytest.fixture
def good(good_template: Toy, tmp_path: Path) -> Toy:
    """Give a checkout that the gate lets pass."""
    toy = copy_toy(good_template, tmp_path)
    sync(toy.checkout)  # the pin names the upstream's folder, which is another one here
    return toy


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def change_manifest(toy: Toy, key: str, value: object) -> None:
    path = toy.synced / "llamapack-manifest.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data[key] = value
    path.write_text(json.dumps(data), encoding="utf-8")


def patch_file(toy: Toy, number: int) -> Path:
    return sorted(toy.checkout.patches.glob("*.patch"))[number - 1]


MUTATIONS: dict[str, tuple[Callable[[Toy], object], str]] = {
    "file": (lambda t: (t.synced / "src/llama.cpp").write_text("x"), "src/llama.cpp is not what it is made from"),
    "file gone": (lambda t: (t.synced / "LICENSE").unlink(), "LICENSE is missing"),
    "file more": (lambda t: (t.synced / "src/x").touch(), "src/x is neither upstream's nor listed as ours"),
    "mode": (lambda t: (t.synced / "LICENSE").chmod(0o755), "LICENSE is executable where it should not be"),
    "manifest gone": (lambda t: (t.synced / "llamapack-manifest.json").unlink(), "llamapack-manifest.json is missing"),
    "manifest commit": (lambda t: change_manifest(t, "commit", "0" * 40), "commit differs"),
    "manifest tree": (lambda t: change_manifest(t, "tree", "0" * 40), "tree differs"),
    "manifest number": (lambda t: change_manifest(t, "build_number", 3), r"build_number differs (3, now 7)"),
    "manifest ggml": (lambda t: change_manifest(t, "ggml_tree", "0" * 40), "ggml_tree differs"),
    "manifest filter": (lambda t: change_manifest(t, "filter_sha256", "0"), "the filter it was made with"),
    "manifest patches": (lambda t: change_manifest(t, "patches", []), "the patches it was made with"),
    "manifest files": (lambda t: change_manifest(t, "files", {}), "its list of files differs"),
    "manifest form": (lambda t: change_manifest(t, "more", 1), "llamapack-manifest.json is not as it was written"),
    "patch change": (
        lambda t: replace_in(patch_file(t, 2), "+ours 20", "+ours 21"),
        "patches/0002-score-it.patch is not as",
    ),
    "patch message": (
        lambda t: replace_in(patch_file(t, 2), "Score it", "Score that"),
        "would be called 0002-score-that",
    ),
    "patch header": (lambda t: replace_in(patch_file(t, 2), "Why: ", "Who: "), "0002-score-it.patch does not say: Why"),
    "patch gone": (lambda t: patch_file(t, 3).unlink(), "src/new.cpp is neither upstream's nor listed as ours"),
    "patch conflict": (
        lambda t: replace_in(patch_file(t, 2), "-line 20", "-other 20"),
        "patches/0002-score-it.patch does not apply: ggml/src/cpu.c",
    ),
    "patch name": (
        lambda t: patch_file(t, 2).rename(t.checkout.patches / "0002-x.patch"),
        "would be called 0002-score-it",
    ),
    "filter": (lambda t: replace_in(t.checkout.filter_file, '"LICENSE", ', ""), "LICENSE is neither upstream's nor"),
    "filter idle": (
        lambda t: replace_in(t.checkout.filter_file, '"src/"', '"src/", "gone/"'),
        "[core] gone/ matches nothing",
    ),
    "pin number": (
        lambda t: replace_in(t.checkout.pin_file, "build_number = 7", "build_number = 8"),
        "build_number differs",
    ),
    "pin repository": (
        lambda t: replace_in(t.checkout.pin_file, str(t.upstream.folder), str(t.upstream.folder) + "/.git"),
        "the pin it was made from (vendor/llama.cpp.toml) differs",
    ),
    "pin commit": (lambda t: t.pin(commit_files(t.upstream, {"docs/manual.md": "2"}, "Newer\n")), "commit differs"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutation_is_named(good: Toy, mutation: str) -> None:
    change, words = MUTATIONS[mutation]
    change(good)
    problems = check(good.checkout)
    assert [line for line in problems if words in line], problems


@pytest.mark.parametrize("field", ["tree", "ggml_tree"])
def test_pin_with_the_tree_of_another_commit_is_refused(good: Toy, field: str) -> None:
    pin = load_pin(good.checkout.pin_file)
    good.checkout.pin_file.write_text(
        render_pin(pin).replace(f'{field} = "{getattr(pin, field)}"', f'{field} = "{"a" * 40}"'), encoding="utf-8"
    )
    with pytest.raises(ToolError, match=f"has the {field} {getattr(pin, field)}, but vendor/llama.cpp.toml pins aaa"):
        check(good.checkout)


def test_edits_of_the_tracking_repository_do_not_pass_once_they_are_synced(good: Toy) -> None:
    good.write("ggml/src/ggml.c", edited(7, "edit"))
    assert check(good.checkout) == ()
    sync(good.checkout)
    assert [line.rpartition("/")[2] for line in check(good.checkout) if "not what it is" in line] == [
        'ggml.c is not what it is made from. Run: inv vendor.new-patch "What it does" (to keep the edits)'
    ]


def test_patch_that_upstream_has_is_to_be_dropped(good: Toy) -> None:
    good.pin(commit_files(good.upstream, {"ggml/src/cpu.c": edited(20, "ours 20")}, "Take it\n"))
    assert "patches/0002-score-it.patch is in llama.cpp already: its `Drop when` has come true. Remove it." in check(
        good.checkout
    )
    apply_patches(good.checkout)
    create_patches(good.checkout)
    sync(good.checkout)
    assert check(good.checkout) == ()


def test_patch_that_needs_a_merge_is_to_be_refreshed(good: Toy) -> None:
    good.pin(commit_files(good.upstream, {"ggml/src/cpu.c": edited(22, "theirs 22")}, "Newer\n"))
    assert any("patches/0002-score-it.patch applies only by a merge" in line for line in check(good.checkout))


def test_gate_needs_the_tracking_repository(toy: Toy) -> None:
    with pytest.raises(ToolError, match="is not there") as refusal:
        check(toy.checkout)
    assert "inv vendor.apply-patches" in refusal.value.fix
