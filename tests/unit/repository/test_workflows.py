"""Workflows only orchestrate: check out, set up Python, call Nox."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.import_graph import nox_sessions
from tools.matrix import load_matrix
from tools.matrix.ci_rows import workflow_rows
from tools.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
INSTALL = "python -m pip install --require-hashes --no-deps --requirement requirements/nox.txt"
IN_CONTAINER = (
    "apt-get update && apt-get install --yes --no-install-recommends ca-certificates git python3-venv",
    'git config --global --add safe.directory "$GITHUB_WORKSPACE"\n'
    'python3 -m venv "$RUNNER_TEMP/python"\n'
    'echo "$RUNNER_TEMP/python/bin" >> "$GITHUB_PATH"\n',
)
"""What makes Debian's image able to check out and to call Python, before and after the checkout."""
PINNED = re.compile(r"uses: actions/(checkout|setup-python)@[0-9a-f]{40} # v\d+\.\d+\.\d+")

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
    assert [path.name for path in WORKFLOWS] == ["ci.yml"]


def test_nothing_is_permitted_but_reading_the_source(workflow: Workflow) -> None:
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job.get("permissions", {}) in ({}, {"contents": "read"})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    lines = [line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines()]
    uses = [line for line in lines if line.startswith("uses:")]
    assert uses
    assert [line for line in uses if not PINNED.fullmatch(line)] == []
    assert len(set(uses)) == 2, "the same action in two versions"


def test_checkouts_keep_no_credentials(workflow: Workflow) -> None:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [step for step in checkouts if step.get("with", {}).get("persist-credentials") is not False] == []


def test_steps_install_nox_by_hash_and_call_it(workflow: Workflow) -> None:
    others = [line for line in commands(workflow) if line not in (INSTALL, *IN_CONTAINER)]
    assert others
    assert [line for line in others if not line.startswith("python -m nox -s ") or "\n" in line] == []


def test_a_row_has_a_python_or_a_container_whose_python_is_taken(workflow: Workflow) -> None:
    for name, job in workflow["jobs"].items():
        if "container" not in job:
            continue
        assert job["container"] == "${{ matrix.container }}"
        assert all(bool(row["container"]) != bool(row["python"]) for row in workflow_rows(load_matrix())[name])
        conditional = [(step["if"], step.get("run", "")) for step in job["steps"] if "if" in step]
        first, second = IN_CONTAINER
        assert conditional == [("matrix.container", first), ("matrix.container", second), ("matrix.python", "")]


def test_sessions_that_are_called_exist(workflow: Workflow) -> None:
    lines = [line for line in commands(workflow) if line not in (INSTALL, *IN_CONTAINER)]
    called = [shlex.split(line.removeprefix("python -m nox -s ")) for line in lines]
    sessions = {word for words in called for word in (words[: words.index("--")] if "--" in words else words)}
    rows = workflow_rows(load_matrix())
    from_rows = {row["session"] for row in (*rows["check"], *rows["tried"])}
    assert (sessions - {"$SESSION"}) | from_rows <= nox_sessions(ROOT / "noxfile.py")


def test_rows_come_from_the_matrix(workflow: Workflow) -> None:
    rows = workflow_rows(load_matrix())
    taken = {name: job["strategy"]["matrix"] for name, job in workflow["jobs"].items() if "strategy" in job}
    assert taken == {name: {"include": f"${{{{ fromJSON(needs.plan.outputs.rows).{name} }}}}"} for name in rows}


def test_every_key_of_a_row_that_a_job_uses_is_there(workflow: Workflow) -> None:
    rows = workflow_rows(load_matrix())
    for name, job in workflow["jobs"].items():
        used = set(re.findall(r"\$\{\{ matrix\.(\w+) \}\}", yaml.safe_dump(job)))
        assert all(used <= set(row) for row in rows.get(name, []))
        assert not used or rows[name]


def test_one_required_job_needs_all_the_others_and_always_runs(workflow: Workflow) -> None:
    jobs = dict(workflow["jobs"])
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
