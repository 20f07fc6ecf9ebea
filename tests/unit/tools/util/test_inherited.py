"""Tests and sessions behave the same whatever they inherit: variables, signals, the umask, limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import nox
import pytest

from tests.support.hostile import runs
from tools.paths import CORE, ROOT
from tools.sessions import common
from tools.util import inherited
from tools.verification import plan

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals, umask and limits")

STATE = """
import json, os, resource, signal, sys
print(json.dumps({
    "ignored": sorted(s.name for s in signal.Signals if signal.getsignal(s) is signal.SIG_IGN),
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "umask": os.umask(0),
    "limits": {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in ("CORE", "NOFILE", "AS")},
    "encoding": [sys.getfilesystemencoding(), sys.stdout.encoding.lower()],
    "variables": dict(os.environ),
}))
"""


def check_state(state: dict[str, Any]) -> None:
    assert set(state["ignored"]) <= {*inherited._KEPT_SIGNALS, "SIGXFZ"}
    assert state["blocked"] == []
    assert state["umask"] == 0o022
    assert state["limits"]["CORE"][0] == 0
    soft, hard = state["limits"]["NOFILE"]
    assert soft == (4096 if hard == -1 else min(4096, hard))
    assert len(set(state["limits"]["AS"])) == 1
    assert state["encoding"] == ["utf-8", "utf-8"]


class TestThisProcess:
    """What each test, and each process that it starts, can count on; run below in a hostile process, too."""

    def test_it_has_no_settings_of_the_person(self) -> None:
        kept = {name for name in os.environ if name.startswith(inherited.SETTINGS)}
        fixed = inherited.FIXED | inherited.FIXED_IN_TESTS
        known = (*inherited.told_to_tests(), *fixed, "PYTHONPATH", "PYTEST_CURRENT_TEST", "PYTEST_VERSION")
        assert {name for name in kept if not name.startswith(known)} == set()
        assert {name: os.environ[name] for name in fixed} == fixed
        assert set(os.environ.get("PYTHONPATH", str(ROOT)).split(os.pathsep)) <= {str(ROOT), str(CORE / "src")}

    @posix
    def test_its_children_begin_in_a_known_state(self) -> None:
        done = subprocess.run([sys.executable, "-c", STATE], capture_output=True, text=True, check=True)
        check_state(json.loads(done.stdout))

    @posix
    def test_ctrl_c_reaches_it(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    @posix
    def test_ctrl_c_reaches_its_children(self) -> None:
        words = [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            assert child.stdout
            assert child.stdout.readline()
            child.send_signal(signal.SIGINT)
            assert child.wait(60) == -signal.SIGINT

    def test_the_status_of_a_child_comes_back(self) -> None:
        assert subprocess.run([sys.executable, "-c", "raise SystemExit(7)"], check=False).returncode == 7

    @posix
    def test_others_may_read_what_it_writes(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644

    @posix
    def test_its_clock_shows_utc_and_its_python_is_whole(self) -> None:
        assert (time.localtime().tm_gmtoff, sys.flags.optimize, sys.getfilesystemencoding()) == (0, 0, "utf-8")


SAMPLE = {
    f"tools/util/test_inherited.py::{TestThisProcess.__name__}": 7,
    "llamapack/backends/children/test_subprocesses.py::test_ctrl_c_ends_the_children": 1,
    "llamapack/backends/children/test_subprocesses.py::test_a_signal_is_a_negative_status": 1,
}


@posix
def test_a_sample_passes_whatever_is_inherited(tmp_path: Path) -> None:
    tests = [f"tests/unit/{name}" for name in SAMPLE]
    runs.assert_tests_pass(tests, sum(SAMPLE.values()), tmp_path)


NOXFILE = f"""
import json, subprocess, sys
import noxfile
print(json.dumps(dict(noxfile.PERSONS_OWN)), flush=True)
subprocess.run([sys.executable, "-c", {STATE!r}], check=True)
"""


@posix
def test_sessions_begin_in_a_known_state(tmp_path: Path) -> None:
    """Nox reads the noxfile before it runs a session: what sessions start inherits what that left."""
    words = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{NOXFILE}"]
    done = runs.run(words, tmp_path, LLAMAPACK_CPU_LEVELS="haswell")
    assert done.returncode == 0, done.stderr
    persons, state = map(json.loads, done.stdout.splitlines())
    check_state(state)
    variables = state["variables"]
    left = {name: value for name, value in variables.items() if name.startswith(inherited.SETTINGS)}
    wishes = (*inherited.BUILD, *inherited.DEVICES, *inherited.EXTENT)
    assert {name for name in left if not name.startswith(wishes)} == set(inherited.FIXED)
    assert (left["LLAMAPACK_CPU_LEVELS"], left["CUDA_VISIBLE_DEVICES"]) == ("haswell", "97")
    assert (persons["LLAMAPACK_CPU"], persons["LLAMAPACK_BACKENDS"]) == ("nonsense", "nonsense")
    assert not any(name.startswith(("PYTHON", "PYTEST_", inherited.RESTARTED)) for name in persons)


STARTED = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tools.util import inherited
print("started", flush=True)
sys.executable = sys.argv[1]
settled = inherited.settle()
if settled.needs_restart:
    settled.restart()
"""


@posix
def test_a_python_that_is_given_a_setting_at_each_start_is_started_again_once(tmp_path: Path) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nPYTHONHASHSEED=7 exec "{sys.executable}" "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    command = [str(wrapper), "-c", STARTED, str(wrapper)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "started\nstarted\n"), done.stderr


def test_on_windows_an_argument_with_a_space_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a list is quoted there: what exec and spawn are given is put together as it is."""
    calls: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "pass", "one and two"])
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)

    def call(command: list[str], env: dict[str, str]) -> int:
        calls.append((command, env))
        return 7

    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setattr(os, "_exit", sys.exit)
    settled = inherited.Settled(before={"PATH": "bin", "PYTHONOPTIMIZE": "2"}, removed={"PYTHONOPTIMIZE": "2"})
    with pytest.raises(SystemExit) as caught:
        settled.restart()
    ((command, variables),) = calls
    assert (caught.value.code, command) == (7, [sys.executable, "-c", "pass", "one and two"])
    assert (variables["PATH"], "PYTHONOPTIMIZE" in variables) == ("bin", False)


class FakeSession:
    """Takes what would be run."""

    env: Mapping[str, str | None]

    @contextmanager
    def chdir(self, folder: Path) -> Any:
        yield

    def run(self, *words: str, env: Mapping[str, str | None], external: bool) -> None:
        self.env = env


def test_a_session_names_what_it_gives_to_its_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "SCRATCH", tmp_path)
    session = FakeSession()
    common.run_pytest(cast("nox.Session", session), "tests", env={"VK_DRIVER_FILES": "lvp.json"})
    variables = {name: value for name, value in session.env.items() if value is not None}
    told = inherited.told_to_tests(variables)
    left = inherited.settled_variables({**variables, "VK_ICD": "1", "PYTHONPATH": "/else", "GGML_X": "1"}, told)
    assert left == {**variables, **inherited.FIXED}
    assert left["VK_DRIVER_FILES"] == "lvp.json"


@pytest.mark.parametrize(
    ("variables", "left"),
    [
        ({"PATH": "/bin", "HOME": "/h", "CC": "gcc", "PIP_INDEX_URL": "x"}, ["PATH", "HOME", "CC", "PIP_INDEX_URL"]),
        ({"OPENBLAS_CORETYPE": "Haswell", "MKL_X": "", "LC_CTYPE": "C", "LANG": "C", "PYTHONHOME": "/x"}, []),
        ({"LLAMAPACK_TEST_MODEL": "m", "LLAMAPACK_CPU": "x64"}, ["LLAMAPACK_TEST_MODEL"]),
        ({"PYTHONPATH": os.pathsep.join(("/else", str(CORE / "src"), ""))}, ["PYTHONPATH"]),
        ({"PYTHONPATH": "/else"}, []),
    ],
)
def test_variables_that_are_the_persons_own_are_left_out(variables: dict[str, str], left: list[str]) -> None:
    found = inherited.settled_variables(variables, inherited.TESTS)
    assert set(found) == {*left, *inherited.FIXED}
    assert found.get("PYTHONPATH", str(CORE / "src")) == str(CORE / "src")


def test_what_a_person_may_say_about_builds_reaches_them() -> None:
    documented = {name for names in plan.VARIABLES for name in names.split(", ")}
    assert set(inherited.settled_variables(dict.fromkeys(documented, "1"), inherited.BUILD)) >= documented


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such folders")
def test_programs_of_the_system_are_found() -> None:
    found = inherited.settled_variables({"PATH": "/home/ada/bin:/usr/sbin:/bin"})["PATH"]
    assert found == "/home/ada/bin:/usr/sbin:/bin:/usr/local/sbin:/sbin"
    assert "PATH" not in inherited.settled_variables({})
