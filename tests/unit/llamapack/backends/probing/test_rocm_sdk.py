"""AMD's Python package is asked in a child process, and what it says is remembered."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from llamapack.backends.children.processes import Command, ProcessResult
from llamapack.backends.host.rocm import RocmLocation
from llamapack.backends.probing import rocm_sdk
from llamapack.backends.probing.rocm_sdk import find_rocm_sdk
from llamapack.backends.survey import Survey, discover
from llamapack.backends.verdicts import Status

from tests.support.plugins.hanging import ending, hanging
from tests.support.plugins.installed import install as install_plugin

GOOD = """
import os
__version__ = "7.1"
os.environ["PATH"] = "changed"

def find_libraries(*names):
    return [os.path.join(os.path.dirname(__file__), "lib", f"lib{name}.so.6") for name in names]
"""


def install(site: Path, source: str = GOOD) -> Path:
    package = site / "rocm_sdk"
    (package / "lib").mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(source, encoding="utf-8")
    return package


def refuse(commands: Sequence[Command], seconds: float) -> tuple[ProcessResult, ...]:
    raise AssertionError("a process is started")


def nowhere(problem: str) -> RocmLocation:
    return RocmLocation(name="rocm_sdk", problem=problem)


def test_a_package_that_is_not_installed_is_not_asked(site: Path) -> None:
    assert find_rocm_sdk(run=refuse) == nowhere("is not installed")


def test_its_folders_and_version_are_known_and_nothing_else_happens(site: Path) -> None:
    package = install(site)
    path = os.environ["PATH"]
    place = find_rocm_sdk()
    assert place == RocmLocation(name="rocm_sdk", folders=(package / "lib",), version="7.1")
    assert (os.environ["PATH"], "rocm_sdk" in sys.modules) == (path, False)
    assert find_rocm_sdk(run=refuse) == place
    assert find_rocm_sdk(mode="never", run=refuse) == place


def test_it_is_asked_again_once_it_has_changed(site: Path) -> None:
    package = install(site)
    find_rocm_sdk()
    install(site, GOOD.replace('"7.1"', '"7.10"'))
    assert find_rocm_sdk() == RocmLocation(name="rocm_sdk", folders=(package / "lib",), version="7.10")
    (package / "lib" / "libhipblas.so.6").touch()
    with pytest.raises(AssertionError, match="started"):
        find_rocm_sdk(run=refuse)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "def find_libraries(*names): raise FileNotFoundError('no match')",
            "cannot be used: it fails: FileNotFoundError: no match",
        ),
        (
            "import rocm_sdk_core_that_is_missing",
            "cannot be used: it fails: ModuleNotFoundError: No module named 'rocm_sdk_core_that_is_missing'",
        ),
        ("import os; os._exit(0)", "cannot be used: importing rocm_sdk ended the process (exit status 0)"),
    ],
)
def test_a_package_that_fails_is_passed_over(site: Path, source: str, problem: str) -> None:
    install(site, source)
    assert find_rocm_sdk() == nowhere(problem)


def test_a_package_that_hangs_is_ended_and_passed_over(site: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    install(site, hanging(begun))
    problem = "cannot be used: importing rocm_sdk took longer than 5 s and was ended"
    assert find_rocm_sdk(seconds=5.0, run=ending(begun)) == nowhere(problem)


def test_a_package_that_takes_too_long_is_left_alone_for_a_while(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "import time; time.sleep(600)")
    problem = "cannot be used: importing rocm_sdk took longer than 1 s and was ended"
    assert find_rocm_sdk(seconds=1.0) == find_rocm_sdk(run=refuse) == nowhere(problem)
    monkeypatch.setattr(rocm_sdk, "SECONDS_FOR_TIMEOUTS", 0.0)
    with pytest.raises(AssertionError, match="started"):
        find_rocm_sdk(run=refuse)


def test_it_is_not_asked_for_a_plugin_that_may_use_no_device(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = site / "asked"
    install(site, f"open({str(asked)!r}, 'w').close()\n{GOOD}")
    install_plugin(site, "rocm")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "-1")
    survey = Survey(discover())
    (verdict,) = survey.verdicts(None, site / "cpu.so")
    assert (verdict.status, verdict.reason) == (Status.NO_DEVICE, "HIP_VISIBLE_DEVICES=-1 hides every device")
    assert (survey.host.rocm_kernels, asked.exists()) == (None, False)


def test_where_no_process_may_be_started_it_is_not_asked(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site)
    assert find_rocm_sdk(mode="never", run=refuse) == nowhere("was not asked: LLAMAPACK_PROBE is never")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert find_rocm_sdk(run=refuse) == nowhere("was not asked: this program carries its Python inside itself")
