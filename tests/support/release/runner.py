"""Run a workflow's jobs on this machine: its steps' commands with the variables, files and outputs of a runner."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.paths import ROOT

PYTHON = """#!/bin/sh
PYTHONPATH="{root}" exec "{python}" -P -m tests.support.release.runner_python "$@"
"""
RECORDS = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >> "{log}"
"""
EXPRESSION = re.compile(r"\$\{\{ (?P<what>[^}]+) \}\}")
ROWS = re.compile(r"\$\{\{ fromJSON\(needs\.plan\.outputs\.rows\)\.(\w+) \}\}")
KEPT = ("LLAMAPACK_CACHE_DIR", "TMPDIR")
Values = dict[str, str]


@dataclass(kw_only=True)
class Runner:
    """A workflow file, the repository that is checked out, and the variables that GitHub sets."""

    workflow: Path
    origin: Path
    folder: Path
    ref: str
    variables: Mapping[str, str] = field(default_factory=dict)
    outputs: dict[str, Values] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    """What was called: the job, the words, and whether it was run or a stand-in took its place."""

    @property
    def gh(self) -> list[str]:
        """The words of all calls of `gh`, one after another."""
        path = self.folder / "gh.txt"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def run(self) -> None:
        """Run all jobs in the order of their needs; an error of a command is an AssertionError with its output."""
        self._write_programs()
        jobs = yaml.safe_load(self.workflow.read_text(encoding="utf-8"))["jobs"]
        waiting = dict(jobs)
        while waiting:
            name = next(name for name, job in waiting.items() if not _needs(job) & set(waiting))
            job = waiting.pop(name)
            self.outputs.setdefault(name, {})
            if self._is_wanted(job.get("if", ""), {}, {}):
                for number, row in enumerate(self._rows(job)):
                    self._run_job(name, job, row, self.folder / f"{name}-{number}")

    def _write_programs(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir(parents=True)
        python = PYTHON.format(python=sys.executable, root=ROOT)
        texts = {
            **{"python": python, "python3": python},
            **{name: RECORDS.format(log=self.folder / f"{name}.txt") for name in ("gh", "apt-get")},
        }
        (self.folder / "home").mkdir()
        for name, text in texts.items():
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)

    def _rows(self, job: Mapping[str, Any]) -> Sequence[Values]:
        if "strategy" not in job:
            return [{}]
        found = re.fullmatch(
            r"\$\{\{ fromJSON\(needs\.plan\.outputs\.rows\)\.(\w+) \}\}", job["strategy"]["matrix"]["include"]
        )
        assert found, job["strategy"]
        rows: Sequence[Values] = json.loads(self.outputs["plan"]["rows"])[found[1]]
        return rows

    def _run_job(self, name: str, job: Mapping[str, Any], row: Values, place: Path) -> None:
        steps: dict[str, Values] = {}
        for step in job["steps"]:
            if not self._is_wanted(step.get("if", ""), steps, row):
                continue
            values = {key: self._filled(str(value), row, steps) for key, value in step.get("with", {}).items()}
            if "uses" in step:
                self._use(step["uses"].partition("@")[0], values, place)
            else:
                env = {key: self._filled(value, row, steps) for key, value in step.get("env", {}).items()}
                made = self._call(name, step["run"], env, place)
                if "id" in step:
                    steps[step["id"]] = made
        for key, value in job.get("outputs", {}).items():
            self.outputs[name][key] = self._filled(value, row, steps)

    def _call(self, job: str, command: str, env: Values, place: Path) -> Values:
        output, log = self.folder / "output.txt", self.folder / "calls.jsonl"
        for path in (output, log):
            path.write_text("", encoding="utf-8")
        place.mkdir(exist_ok=True)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", command],
            cwd=place,
            env={**self._variables(place, output), "RUNNER_CALLS": str(log), **self.variables, **env},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        self.calls += [{"job": job, **json.loads(line)} for line in log.read_text(encoding="utf-8").splitlines()]
        assert done.returncode == 0, f"{job}: {command}\n{done.stdout}\n{done.stderr}"
        pairs = (line.partition("=") for line in output.read_text(encoding="utf-8").splitlines() if line)
        return {name: value for name, _, value in pairs}

    def _variables(self, place: Path, output: Path) -> Values:
        return {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "HOME": str(self.folder / "home"),
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_PATH": str(self.folder / "path.txt"),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_WORKSPACE": str(place),
            "GITHUB_REF_NAME": self.ref,
            "GITHUB_REPOSITORY": "example/llamapack",
            "RUNNER_OS": "Linux",
        }

    def _use(self, action: str, values: Values, place: Path) -> None:
        store = self.folder / "artifacts"
        if action == "actions/checkout":
            words = ["git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--branch", self.ref]
            subprocess.run([*words, str(self.origin), str(place)], check=True)
        elif action == "actions/upload-artifact":
            found = sorted(place.glob(values["path"]))
            assert found, f"{values['name']} would be empty: {values['path']}"
            (store / values["name"]).mkdir(parents=True)  # a name is used once
            for path in found:
                shutil.copy(path, store / values["name"])
        elif action == "actions/download-artifact":
            names = sorted(store.glob(values.get("pattern") or values["name"]))
            assert names, f"there is no artifact {values}"
            for path in (path for name in names for path in name.iterdir()):
                (place / values["path"]).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place / values["path"])
        else:
            assert action == "actions/setup-python", action

    def _is_wanted(self, condition: str, steps: Mapping[str, Values], row: Values) -> bool:
        if condition in ("", "always()"):
            return True
        what, _, rest = condition.partition(" != ")
        assert rest in ("", "''"), condition
        return bool(self._value(what, row, steps))

    def _filled(self, text: str, row: Values, steps: Mapping[str, Values]) -> str:
        return EXPRESSION.sub(lambda found: self._value(found["what"], row, steps), text)

    def _value(self, what: str, row: Values, steps: Mapping[str, Values]) -> str:
        kind, *rest = what.split(".")
        if kind == "matrix":
            return row[rest[0]]
        if kind == "needs":
            return self.outputs[rest[0]][rest[2]]
        if kind == "steps":
            return steps[rest[0]][rest[2]]
        assert what == "github.token", what
        return "a token that nobody takes"


def _needs(job: Mapping[str, Any]) -> set[str]:
    needs = job.get("needs", [])
    return {needs} if isinstance(needs, str) else set(needs)


def stand_ins(calls: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the commands that a stand-in took the place of, without what differs between rows."""
    for call in calls:
        if call["how"] == "stand-in":
            yield call["kind"]
