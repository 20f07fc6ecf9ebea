"""Workflows only orchestrate: check out, set up Python, call Nox and Invoke, and hand files on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.import_graph import nox_sessions
from tools.matrix import load_matrix
from tools.matrix.ci_rows import CONTAINER, workflow_rows
from tools.paths import ROOT
from tools.release.rows import release_rows

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI = ROOT / ".github" / "workflows" / "ci.yml"
INSTALL = re.compile(r"python -m pip install --require-hashes --no-deps( --requirement requirements/(nox|tasks)\.txt)+")
NOX = re.compile(r"python -m nox -[st] ")
CALL = re.compile(r"python -m (nox -[st]|invoke) [^\n;&|<>`]+")
ACTION = r"actions/(?P<name>checkout|setup-python|upload-artifact|download-artifact)@[0-9a-f]{40}"
PINNED = re.compile(rf"uses: {ACTION} # v\d+\.\d+\.\d+")
READING: dict[str, str] = {"contents": "read"}
PERMITTED = {
    ("release.yml", "publish"): {**READING, "id-token": "write"},
    ("release.yml", "announce"): {"contents": "write"},
    ("update-llama-cpp.yml", "propose"): {"contents": "write", "pull-requests": "write"},
}
"""What jobs may do beyond reading the source: prove to the index who they are, and write at GitHub."""
IN_CONTAINER = (
    "apt-get update && apt-get install --yes --no-install-recommends ca-certificates git python3-venv",
    'git config --global --add safe.directory "$GITHUB_WORKSPACE"\n'
    'python3 -m venv "$RUNNER_TEMP/python"\n'
    'echo "$RUNNER_TEMP/python/bin" >> "$GITHUB_PATH"\n',
)
"""What makes Debian's image able to check out and to call Python, before and after the checkout."""

Workflow = dict[str, Any]


def load(path: Path) -> Workflow:
    loaded: Workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> Workflow:
    return load(request.param)


def commands(workflow: Workflow) -> Iterator[str]:
    for name, job in workflow["jobs"].items():
        if name != "required":
            yield from (step["run"] for step in job["steps"] if "run" in step)


def test_there_is_a_workflow() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml", "update-llama-cpp.yml"]


def test_jobs_may_do_the_least_that_they_need() -> None:
    found = {}
    for path in WORKFLOWS:
        workflow = load(path)
        assert workflow["permissions"] == {}
        for name, job in workflow["jobs"].items():
            if job["permissions"] not in ({}, READING):
                found[path.name, name] = job["permissions"]
    assert found == PERMITTED


def test_there_are_no_secrets() -> None:
    """The index knows the workflow by its identity; GitHub's own token is given to two jobs by name."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in WORKFLOWS}
    assert [name for name, text in texts.items() if "secrets" in text] == []
    assert {name: text.count("github.token") for name, text in texts.items()} == {
        "ci.yml": 0, "release.yml": 1, "update-llama-cpp.yml": 1,
    }  # fmt: skip


def test_a_person_is_asked_before_anything_is_published() -> None:
    jobs = load(CI.with_name("release.yml"))["jobs"]
    assert {name: job["environment"] for name, job in jobs.items() if "environment" in job} == {"publish": "release"}
    assert set(jobs["publish"]["needs"]) == {"audit", "try"}
    assert jobs["announce"]["needs"] == "publish"


def test_a_job_that_may_write_builds_nothing() -> None:
    for (path, name), _ in PERMITTED.items():
        steps = load(CI.with_name(path))["jobs"][name]["steps"]
        assert [step["run"] for step in steps if NOX.match(step.get("run", ""))] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    lines = [line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines()]
    uses = [line for line in lines if line.startswith("uses:")]
    assert uses
    assert [line for line in uses if not PINNED.fullmatch(line)] == []
    everywhere = {
        match[0] for other in WORKFLOWS for match in re.finditer(rf"{ACTION}.*", other.read_text(encoding="utf-8"))
    }
    assert len(everywhere) == 4, "the same action in two versions"


def test_checkouts_keep_no_credentials(workflow: Workflow) -> None:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [step for step in checkouts if step.get("with", {}).get("persist-credentials") is not False] == []


def test_steps_install_by_hash_and_call_nox_or_invoke(workflow: Workflow) -> None:
    others = [line for line in commands(workflow) if line not in IN_CONTAINER and not INSTALL.fullmatch(line)]
    assert others
    assert [line for line in others if not CALL.fullmatch(line)] == []


def test_what_a_job_calls_is_installed_before(workflow: Workflow) -> None:
    for name, job in workflow["jobs"].items():
        steps = job["steps"] if name != "required" else []
        lines = [step["run"] for step in steps if "run" in step and step["run"] not in IN_CONTAINER]
        wanted = {"nox" if NOX.match(line) else "tasks" for line in lines[1:]}
        assert set(re.findall(r"requirements/(\w+)\.txt", "".join(lines[:1]))) == wanted


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_row_has_a_python_or_a_container_whose_python_is_taken(path: Path) -> None:
    first, second = IN_CONTAINER
    for name, job in load(path)["jobs"].items():
        conditional = [(step["if"], step.get("run", "")) for step in job["steps"] if "if" in step]
        always = [step["run"] for step in job["steps"] if "run" in step and "if" not in step]
        if job.get("container") == "${{ matrix.container }}":
            assert all(bool(row["container"]) != bool(row["python"]) for row in rows_of(path)[name])
            assert conditional == [("matrix.container", first), ("matrix.container", second), ("matrix.python", "")]
        elif "container" in job:
            assert job["container"] == CONTAINER
            assert always[:2] == [first, second]
            assert "actions/setup-python" not in yaml.safe_dump(job)
        else:
            assert {first, second}.isdisjoint(always)


def test_sessions_that_are_called_exist(workflow: Workflow) -> None:
    called = [shlex.split(line.removeprefix("python -m nox -s ")) for line in commands(workflow) if "nox -s" in line]
    sessions = {word for words in called for word in (words[: words.index("--")] if "--" in words else words)}
    rows = workflow_rows(load_matrix())
    from_rows = {row["session"] for row in (*rows["check"], *rows["tried"])}
    assert (sessions - {"$SESSION"}) | from_rows <= nox_sessions(ROOT / "noxfile.py")


def rows_of(path: Path) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The rows that the workflow's job `plan` makes."""
    matrix = load_matrix()
    return {"ci.yml": workflow_rows(matrix), "release.yml": release_rows(matrix, matrix.backends)}.get(path.name, {})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_rows_come_from_the_matrix(path: Path) -> None:
    taken = {name: job["strategy"]["matrix"] for name, job in load(path)["jobs"].items() if "strategy" in job}
    assert taken == {
        name: {"include": f"${{{{ fromJSON(needs.plan.outputs.rows).{name} }}}}"} for name in rows_of(path)
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_key_of_a_row_that_a_job_uses_is_there(path: Path) -> None:
    rows = rows_of(path)
    for name, job in load(path)["jobs"].items():
        used = set(re.findall(r"\$\{\{ matrix\.(\w+) \}\}", yaml.safe_dump(job)))
        assert all(used <= set(row) for row in rows.get(name, []))
        assert not used or rows[name]


def test_one_required_job_needs_all_the_others_and_always_runs() -> None:
    jobs = dict(load(CI)["jobs"])
    required, tried = jobs.pop("required"), jobs.pop("tried")
    assert tried["continue-on-error"] is True
    assert required["if"] == "always()"
    assert required["needs"] == list(jobs)
    (step,) = required["steps"]
    assert step["run"] == "exit 1"
    assert set(re.findall(r"contains\(needs\.\*\.result, '(\w+)'\)", step["if"])) == {
        "failure", "cancelled", "skipped",
    }  # fmt: skip


def test_every_job_ends_by_itself(workflow: Workflow) -> None:
    assert [name for name, job in workflow["jobs"].items() if "timeout-minutes" not in job] == []
