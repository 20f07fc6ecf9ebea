"""A release is prepared and checked in a checkout of its own: versions, changelog, tag; also by the commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.git.repository import Git
from tools.paths import HERE, ROOT, Checkout
from tools.release import prepare, versions
from tools.release.gates import source as source_gates
from tools.release.gates.faults import Fault

DAY = date(2027, 1, 31)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- This.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A git checkout with the packages' pyproject.toml and a changelog, at 0.2.0.dev0."""
    checkout = Checkout(root=tmp_path / "checkout")
    for path in versions.project_files(HERE):
        copy = checkout.root / path.relative_to(HERE.root)
        copy.parent.mkdir(parents=True)
        shutil.copy(path, copy)
    versions.set_version(checkout, "0.2.0.dev0")
    (checkout.root / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    git = Git.create(checkout.root)
    commit(git)
    return checkout


def commit(git: Git, tag: str = "") -> None:
    git.run("add", "--all")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "--message", "One")
    if tag:
        git.run("-c", "user.name=A", "-c", "user.email=a@b", "tag", "--annotate", tag, "--message", tag)


def released(checkout: Checkout) -> Git:
    prepare.prepare(checkout, "0.2.0", DAY)
    git = Git.at(checkout.root)
    commit(git, "v0.2.0")
    return git


def found(checkout: Checkout, tag: str = "") -> list[tuple[str, str]]:
    return [(fault.gate, fault.what) for fault in source_gates.check_source(checkout, tag)]


def test_what_was_prepared_committed_and_tagged_passes(checkout: Checkout) -> None:
    released(checkout)
    assert found(checkout) == found(checkout, "v0.2.0") == []
    assert source_gates.released_backends(checkout, "0.2.0") == ("cpu", "cuda", "metal", "rocm", "vulkan")


def test_preparing_twice_changes_nothing_more(checkout: Checkout) -> None:
    first = prepare.prepare(checkout, "0.2.0", DAY)
    assert [path.name for path in first.changed] == ["CHANGELOG.md", *["pyproject.toml"] * 5]
    assert (first.before, first.version) == ("0.2.0.dev0", "0.2.0")
    assert prepare.prepare(checkout, "0.2.0", DAY).changed == ()


def test_a_killed_call_is_finished_by_the_same_call(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prepare, "set_version", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare.prepare(checkout, "0.2.0", DAY)
    prepare.prepare(checkout, "0.2.0", DAY)
    assert found(checkout) == []


@pytest.mark.parametrize(
    ("version", "what"),
    [
        ("0.1.9", "0.1.9 is older than 0.2.0.dev0"),
        ("0.2.0.post1", "0.2.0.post1 is a post-release, which only a plug-in can be"),
        ("next", "'next' is no version of this project"),
    ],
)
def test_a_version_that_does_not_follow_is_refused_and_nothing_changes(
    checkout: Checkout, version: str, what: str
) -> None:
    with pytest.raises(ToolError, match=what):
        prepare.prepare(checkout, version, DAY)
    assert Git.at(checkout.root).run("status", "--porcelain").stdout == ""


def test_with_nothing_to_release_nothing_changes(checkout: Checkout) -> None:
    (checkout.root / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n", encoding="utf-8")
    commit(Git.at(checkout.root))
    with pytest.raises(ToolError, match="Nothing is under Unreleased"):
        prepare.prepare(checkout, "0.2.0", DAY)
    assert Git.at(checkout.root).run("status", "--porcelain").stdout == ""


def test_versions_follow_one_another_in_this_order(checkout: Checkout) -> None:
    for version in ("0.2.0a1.dev0", "0.2.0a1", "0.2.0b1", "0.2.0rc1", "0.2.0rc10", "0.2.0", "0.2.1.dev0", "0.10.0"):
        text = (checkout.root / "CHANGELOG.md").read_text(encoding="utf-8")
        (checkout.root / "CHANGELOG.md").write_text(
            text.replace("## Unreleased\n", "## Unreleased\n\n- More.\n", 1), "utf-8"
        )
        before = versions.project_version(checkout)
        prepare.prepare(checkout, version, DAY)
        with pytest.raises(ToolError, match="is older than"):
            prepare.prepare(checkout, before, DAY)


def test_one_plugin_is_released_alone(checkout: Checkout) -> None:
    git = released(checkout)
    path = checkout.root / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8").replace("## Unreleased\n", "## Unreleased\n\n- Fixed it.\n")
    path.write_text(text, encoding="utf-8")
    changed = prepare.prepare(checkout, "0.2.0.post1", DAY, "vulkan").changed
    assert [each.parent.name for each in changed] == ["checkout", "backend-vulkan"]
    commit(git, "v0.2.0.post1")
    assert found(checkout, "v0.2.0.post1") == []
    assert source_gates.version_of(checkout, "v0.2.0.post1") == "0.2.0.post1"
    assert source_gates.released_backends(checkout, "0.2.0.post1") == ("vulkan",)


def test_a_plugin_is_released_alone_for_its_own_core_only(checkout: Checkout) -> None:
    with pytest.raises(ToolError, match=r"0\.2\.0\.post1 is no post-release of 0\.2\.0\.dev0"):
        prepare.prepare(checkout, "0.2.0.post1", DAY, "vulkan")


def edit(name: str, old: str, new: str) -> Callable[[Checkout], None]:
    def change(checkout: Checkout) -> None:
        path = checkout.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        commit_again(checkout)

    return change


def commit_again(checkout: Checkout) -> None:
    git = Git.at(checkout.root)
    commit(git)
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "tag", "--force", "--annotate", "v0.2.0", "--message", "x")


@pytest.mark.parametrize(
    ("change", "gate", "what"),
    [
        (edit("CHANGELOG.md", "## 0.2.0 - 2027-01-31", "## 0.2.0"), "changelog", "has 'no date' for a date"),
        (edit("CHANGELOG.md", "## 0.2.0 -", "## 0.1.0 -"), "changelog", "has no section for 0.2.0"),
        (edit("CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n- More.\n"), "changelog", "Unreleased is not empty"),
        (
            edit("packages/backend-rocm/pyproject.toml", 'version = "0.2.0"', 'version = "0.2.1"'),
            "pins",
            "version is 0.2.1, and llamapack's is 0.2.0",
        ),
        (
            edit("packages/core/pyproject.toml", "rocm>=0.2.0,<0.2.1", "rocm==0.2.*"),
            "pins",
            "it must require llamapack-cuda>=0.2.0,<0.2.1",
        ),
    ],
)
def test_a_source_that_is_wrong_in_one_thing(
    checkout: Checkout, change: Callable[[Checkout], None], gate: str, what: str
) -> None:
    released(checkout)
    change(checkout)
    (fault,) = source_gates.check_source(checkout, "v0.2.0")
    assert fault.gate == gate
    assert what in fault.what


def test_a_version_for_development_is_never_released(checkout: Checkout) -> None:
    gates = [fault.gate for fault in source_gates.check_source(checkout)]
    assert gates == ["version"]


def test_the_tag_is_that_of_the_version_and_of_this_commit(checkout: Checkout) -> None:
    git = released(checkout)
    assert found(checkout, "v0.2.1") == [
        ("tag", "the tag is not v0.2.0, and no package has its version"),
        ("tag", "there is no such tag"),
    ]
    (checkout.root / "CHANGELOG.md").write_text(
        "# Changelog\n\n## 0.2.0 - 2027-01-31\n\n- By hand.\n", encoding="utf-8"
    )
    (checkout.root / "new.txt").write_text("x", encoding="utf-8")
    assert found(checkout, "v0.2.0") == [("tag", "files are not as they were committed: CHANGELOG.md, new.txt")]
    commit(git)
    ((gate, what),) = found(checkout, "v0.2.0")
    assert (gate, what.partition(" and ")[2]) == ("tag", f"this checkout is at {git.id_of('HEAD')[:9]}")


def inv(checkout: Checkout, *words: str) -> tuple[int, str, str]:
    pytest.importorskip("invoke", reason="Invoke is not installed: requirements/tasks.txt")
    if not (checkout.root / "tasks.py").exists():
        shutil.copy(ROOT / "tasks.py", checkout.root)
        shutil.copytree(ROOT / "tools", checkout.root / "tools", ignore=shutil.ignore_patterns("*.pyc.*"))
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=checkout.root,
        env={**os.environ, "PYTHONPATH": "", "COLUMNS": "120"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_commands_say_what_was_done_and_what_comes_next(checkout: Checkout) -> None:
    status, out, err = inv(checkout, "release.check")
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == "1 fault: nothing may be uploaded."
    status, out, _ = inv(checkout, "release.prepare", "0.2.0")
    assert status == 0
    assert out.splitlines()[:2] == ["  CHANGELOG.md", "  packages/core/pyproject.toml"]
    assert "  inv release.check --tag v0.2.0" in out.splitlines()
    assert out.splitlines()[-1] == "  inv release.prepare 0.2.1.dev0"
    assert inv(checkout, "release.check") == (0, "The source of 0.2.0 passed every gate.\n", "")
    status, out, err = inv(checkout, "release.prepare", "0.1.0")
    assert (status, out) == (1, "")
    assert err.startswith("0.1.0 is older than 0.2.0, which this checkout has.\n")


def test_a_fault_is_one_line_and_what_to_do() -> None:
    assert str(Fault(gate="tag", file="v1", what="no", fix="Tag it.")) == "tag: v1: no\n  Tag it."
    assert str(Fault(gate="tag", file="v1", what="no")) == "tag: v1: no"
