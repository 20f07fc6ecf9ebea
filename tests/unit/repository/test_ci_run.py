"""CI calls the README's own command for the tests, on any machine with a Python that is new enough."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.paths import ROOT

COMMAND = "python -m pip install nox && python -m nox -s test"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=".ci/run is for bash")

OLD = 'case "$1" in -c) exit 1;; esac; echo "old $*"; exit 99'
MAKE_ENVIRONMENT = 'mkdir -p "$3/bin" && cp "$0" "$3/bin/python"'
GOOD = f'case "$1$2" in -c*) ;; -mvenv) {MAKE_ENVIRONMENT};; *) echo "$NAME $*";; esac'
MANAGED = GOOD.replace('cp "$0"', 'cp "${0%/*}/of-environment"').replace("*) echo", "-mpip) exit 1;; *) echo")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a cløne"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    (folder / "bin").mkdir()
    for program in ("bash", "dirname", "mktemp", "rm", "mkdir", "cp", "sh"):
        (folder / "bin" / program).symlink_to(str(shutil.which(program)))
    return folder


def run(
    checkout: Path, /, variables: Mapping[str, str] | None = None, **pythons: str
) -> subprocess.CompletedProcess[str]:
    for name, body in pythons.items():
        program = checkout / "bin" / name.replace("_", ".")
        program.write_text(f"#!{shutil.which('bash')}\nNAME={name}; {body}\n")
        program.chmod(0o755)
    env = os.environ | {"PATH": str(checkout / "bin"), "TMPDIR": str(checkout), **(variables or {})}
    command, nothing = [str(shutil.which("bash")), ".ci/run"], subprocess.DEVNULL
    return subprocess.run(
        command, cwd=checkout, env=env, capture_output=True, text=True, check=False, stdin=nothing, umask=0o077
    )


def test_script_runs_the_command_of_the_readme() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == COMMAND
    assert COMMAND in (ROOT / "README.md").read_text(encoding="utf-8")


def test_python_that_takes_packages_is_used_as_it_is(checkout: Path) -> None:
    done = run(checkout, python=GOOD)
    assert done.stdout.splitlines() == [*["python -m pip install nox"] * 2, "python -m nox -s test"]


def test_settings_of_the_callers_shell_and_python_are_left_out(checkout: Path) -> None:
    (checkout / "elsewhere" / ".ci").mkdir(parents=True)
    hostile = {"CDPATH": str(checkout / "elsewhere"), "PYTHONHOME": "/nonsense", "PYTHONPATH": "/", "PIP_USER": "1"}
    done = run(checkout, hostile, python='echo "$PWD ${PYTHONHOME-} ${PYTHONPATH-} ${PIP_USER-} $(umask)"')
    assert (done.returncode, set(done.stdout.splitlines())) == (0, {f"{checkout}    0022"})


def test_old_python_leaves_its_place_to_an_environment_of_a_newer_one(checkout: Path) -> None:
    done = run(checkout, python=OLD, python3=OLD, python3_12=GOOD)
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["python3_12 -m pip install nox", "python3_12 -m nox -s test"]
    assert {path.name for path in checkout.iterdir()} == {".ci", "bin"}


def test_python_that_refuses_packages_lends_an_environment(checkout: Path) -> None:
    done = run(checkout, None, **{"python": MANAGED, "of-environment": GOOD})
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["of-environment -m pip install nox", "of-environment -m nox -s test"]
    assert {path.name for path in checkout.iterdir()} == {".ci", "bin"}


def test_machine_without_a_new_python_is_told(checkout: Path) -> None:
    done = run(checkout, python=OLD, python3=OLD)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("llamapack needs Python 3.11 or newer")


def test_failed_tests_fail_the_run(checkout: Path) -> None:
    body = GOOD.replace('"$NAME $*"', '"$NAME $*"; case "$2" in nox) exit 7;; esac')
    assert run(checkout, python=body).returncode == 7
