"""Every job of every workflow is run here, with a runner's variables simulated: a workflow is more than text.

What cannot run in a test has a stand-in (tests/support/release/runner_python.py); the index is one on loopback.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml

from tests.support.release.runner import Runner, stand_ins
from tests.support.release.runner_python import STAND_INS
from tests.support.repository import files
from tests.support.toy_upstream import LINES, Toy, commit_files, edited, make_toy
from tools.git.repository import Git
from tools.matrix import load_matrix
from tools.matrix.ci_rows import workflow_rows
from tools.paths import ROOT, Checkout
from tools.release.index import serve_index
from tools.release.prepare import prepare
from tools.vendoring.apply import apply_patches
from tools.vendoring.create_patches import create_patches

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the workflows' shell is bash, and their Linux jobs are run"),
]
pytest.importorskip("invoke", reason="Invoke is not installed: requirements/tasks.txt")
pytest.importorskip("twine", reason="twine is not installed: requirements/release.txt")
pytest.importorskip("uv", reason="uv is not installed: requirements/rehearse.txt")

WORKFLOWS = ROOT / ".github" / "workflows"
TOOLS = ("tasks.py", "noxfile.py", "matrix.toml", "CHANGELOG.md", ".gitignore", "tools/", "requirements/", ".github/")
PARTS = re.compile(r"packages/[^/]+/(pyproject\.toml|README\.md|LICENSE)")
AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@b")


def copied(root: Path) -> None:
    """Copy what tasks and tools read of this repository."""
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(TOOLS) or PARTS.fullmatch(name):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / name)


def committed(root: Path, tag: str = "") -> Git:
    git = Git.at(root) if (root / ".git").exists() else Git.create(root)
    git.run("add", "--all")
    git.run(*AUTHOR, "commit", "--quiet", "--message", "One")
    if tag:
        git.run(*AUTHOR, "tag", "--annotate", tag, "--message", tag)
    return git


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The folder of an index, and its address."""
    folder = tmp_path / "index"
    with serve_index(folder) as url:
        yield folder, url


@pytest.fixture
def project(tmp_path: Path) -> Checkout:
    """A repository with this project's tools and packages, and something to release."""
    checkout = Checkout(root=tmp_path / "project")
    copied(checkout.root)
    (checkout.root / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- This.\n", encoding="utf-8")
    committed(checkout.root)
    return checkout


def names(folder: Path) -> set[str]:
    """The files that an index has."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def released(project: Checkout, tmp_path: Path, url: str, tag: str) -> Runner:
    variables = {"RUNNER_INDEX": url, "UV_PUBLISH_TOKEN": "anything"}
    workflow = WORKFLOWS / "release.yml"
    runner = Runner(
        workflow=workflow, origin=project.root, folder=tmp_path / f"runner {tag}", ref=tag, variables=variables
    )
    runner.run()
    return runner


def test_a_tag_is_built_checked_published_and_announced(
    project: Checkout, tmp_path: Path, index: tuple[Path, str]
) -> None:
    prepare(project, "9.1.0", date(2027, 1, 31))
    committed(project.root, "v9.1.0")
    folder, url = index
    runner = released(project, tmp_path, url, "v9.1.0")
    matrix = load_matrix()
    there = names(folder)
    assert {name for name in there if name.endswith(".whl")} == {
        f"{matrix.backend(cell.backend).wheel.replace('-', '_')}-9.1.0-py3-none-{matrix.wheel_tag(cell.target)}.whl"
        for cell in matrix.builds
    }
    assert len(there) == len(matrix.builds) + len(matrix.backends)
    times = {name: (folder / name).stat().st_mtime_ns for name in there}
    core = [time for name, time in times.items() if name.startswith("llamapack-")]
    assert min(core) > max(time for name, time in times.items() if not name.startswith("llamapack-"))
    assert runner.gh[:6] == ["release", "create", "v9.1.0", "--verify-tag", "--title", "llamapack 9.1.0"]
    assert [Path(word).name for word in runner.gh if word.endswith("SHA256SUMS")] == ["SHA256SUMS"]
    assert set(stand_ins(runner.calls)) == {
        "python3 -m venv", "pip install", "nox -s release", "inv release.try", "inv release.attest",
    }  # fmt: skip
    run = {" ".join(call["words"][:3]) for call in runner.calls if call["how"] == "run"}
    assert run == {f"-m invoke release.{name}" for name in ("check", "rows", "publish", "announce")}


def test_a_plugin_is_released_alone(project: Checkout, tmp_path: Path, index: tuple[Path, str]) -> None:
    prepare(project, "9.1.0", date(2027, 1, 31))
    path = project.root / "CHANGELOG.md"
    path.write_text(path.read_text("utf-8").replace("Unreleased\n", "Unreleased\n\n- Fix.\n"), encoding="utf-8")
    prepare(project, "9.1.0.post1", date(2027, 2, 1), "vulkan")
    committed(project.root, "v9.1.0.post1")
    folder, url = index
    released(project, tmp_path, url, "v9.1.0.post1")
    assert {name.split("-")[0] for name in names(folder)} == {"llamapack_vulkan"}
    assert len(names(folder)) == len(load_matrix().backend("vulkan").targets) + 1


def test_a_tag_of_another_version_stops_in_the_first_job(
    project: Checkout, tmp_path: Path, index: tuple[Path, str]
) -> None:
    Git.at(project.root).run(*AUTHOR, "tag", "--annotate", "v9.1.0", "--message", "x")
    with pytest.raises(
        AssertionError, match=r"plan: python -m invoke release\.check(?s:.*)is a version for development"
    ):
        released(project, tmp_path, index[1], "v9.1.0")
    assert names(index[0]) == set()


def test_ci_runs_sessions_that_are_there_with_rows_of_the_matrix(project: Checkout, tmp_path: Path) -> None:
    pytest.importorskip("nox", reason="Nox is not installed: requirements/nox.txt")
    workflow = tmp_path / "ci.yml"
    loaded = yaml.safe_load((WORKFLOWS / "ci.yml").read_text(encoding="utf-8"))
    del loaded["jobs"]["required"]  # it has no command but `exit 1`, for when another job failed
    workflow.write_text(yaml.safe_dump(loaded), encoding="utf-8")
    runner = Runner(workflow=workflow, origin=project.root, folder=tmp_path / "runner", ref="main")
    runner.run()
    rows = workflow_rows(load_matrix())
    called = [call["job"] for call in runner.calls if call["words"][1] == "nox"]
    assert {name: called.count(name) for name in rows} == {name: len(each) for name, each in rows.items()}
    assert [" ".join(call["words"][:4]) for call in runner.calls if call["how"] == "run"] == ["-m nox -s plan-rows"]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A repository that vendors a small upstream with two patches, and releases of that."""
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    toy = make_toy(tmp_path / "toy")
    apply_patches(toy.checkout)
    toy.commit("Change the first lines", {"src/llama.cpp": edited(3, "ours 3")})
    toy.commit("Add a file", {"src/new.cpp": LINES})
    create_patches(toy.checkout)
    copied(toy.checkout.root)
    shutil.rmtree(toy.checkout.root / "packages")
    for name in ("docs", "packages"):
        (toy.checkout.root / name).mkdir()
        (toy.checkout.root / name / "README.md").write_text("x\n", encoding="utf-8")
    committed(toy.checkout.root)
    for number, text in ((7, "seventh"), (12, "twelfth")):
        commit_files(toy.upstream, {"docs/manual.md": f"{text}\n"}, "Newer\n")
        toy.upstream.run("tag", f"b{number}")
    return toy


def updated(toy: Toy, tmp_path: Path) -> tuple[Runner, Git]:
    bare = tmp_path / "origin.git"
    Git.at(toy.checkout.root).run("clone", "--quiet", "--bare", str(toy.checkout.root), str(bare))
    workflow = WORKFLOWS / "update-llama-cpp.yml"
    runner = Runner(workflow=workflow, origin=bare, folder=tmp_path / "runner", ref="main")
    runner.run()
    return runner, Git.at(bare) if (bare / ".git").exists() else Git(folder=bare, dir=bare)


def test_a_newer_llama_cpp_becomes_a_pull_request(toy: Toy, tmp_path: Path) -> None:
    runner, origin = updated(toy, tmp_path)
    assert runner.outputs["update"] == {"ref": "b12"}
    assert runner.gh[:2] == ["auth", "setup-git"]
    assert runner.gh[2:6] == ["pr", "create", "--title", "Move to llama.cpp b12"]
    changed = origin.run("diff", "--name-only", "main", "llama.cpp-b12").stdout.split()
    assert changed == ["CHANGELOG.md", "vendor/llama.cpp.toml"]
    pin = origin.run("show", "llama.cpp-b12:vendor/llama.cpp.toml").stdout
    assert toy.upstream.id_of("b12^{commit}") in pin
    report = (tmp_path / "runner" / "artifacts" / "update" / "report.md").read_text(encoding="utf-8")
    assert "  0001-change-the-first-lines.patch: applied\n" in report
    assert report.rstrip().endswith("| --- | --- |")
    assert set(stand_ins(runner.calls)) == {
        "python3 -m venv", "pip install", "nox -t gen", "nox -s", "inv update.measure",
    }  # fmt: skip


def test_nothing_is_proposed_if_nothing_is_newer(toy: Toy, tmp_path: Path) -> None:
    toy.pin(toy.upstream.id_of("b12^{commit}"))
    committed(toy.checkout.root)
    runner, origin = updated(toy, tmp_path)
    assert runner.outputs == {"update": {"ref": ""}, "propose": {}}
    assert runner.gh == []
    assert origin.run("branch", "--format=%(refname:short)").stdout.split() == ["main"]


def test_a_conflict_is_reported_and_nothing_is_proposed(toy: Toy, tmp_path: Path) -> None:
    commit_files(toy.upstream, {"src/llama.cpp": edited(3, "theirs")}, "Newer\n")
    toy.upstream.run("tag", "b13")
    with pytest.raises(AssertionError, match=r"0001-change-the-first-lines\.patch: conflict(?s:.*)b13"):
        updated(toy, tmp_path)


def test_the_page_lists_the_stand_ins() -> None:
    page = (ROOT / "docs" / "development" / "workflows.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `([^`]+)` \| .* \| .* \|$", page) == [kind for _, kind, _ in STAND_INS if kind]
