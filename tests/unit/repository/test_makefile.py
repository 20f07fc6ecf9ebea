"""The old spellings: each does the right thing, or says what replaced it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tools.matrix import load_matrix
from tools.paths import ROOT

MAKE = shutil.which("gmake") or shutil.which("make") or ""
pytestmark = pytest.mark.skipif(not MAKE, reason="make is not installed")


def make(*words: str) -> list[str]:
    """Run make with Invoke and Nox replaced by echo, and return what it printed."""
    tools = (f"PYTHON={sys.executable}", "INV=@echo inv", "NOX=@echo nox", "TARGET=linux-x86_64")
    done = subprocess.run(
        [MAKE, "--no-print-directory", *tools, *words], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("jobs", [(), ("-j",), ("-j", "8")])
def test_plain_make_builds_all_wheels_and_core_is_that_of_this_machine(jobs: tuple[str, ...]) -> None:
    assert make(*jobs) == ["nox -s wheel"]
    assert make(*jobs, "core") == ["nox -s wheel(cpu-linux-x86_64)"]


@pytest.mark.parametrize("jobs", [(), ("-j",), ("-j", "8")])
def test_vendoring_targets_run_in_the_order_given(jobs: tuple[str, ...]) -> None:
    assert make(*jobs, "apply-patches") == ["inv vendor.apply-patches"]
    assert make(*jobs, "create-patches", "sync") == ["inv vendor.create-patches", "inv vendor.sync"]
    assert make(*jobs, "apply-patches", "create-patches", "sync") == [
        "inv vendor.apply-patches",
        "inv vendor.create-patches",
        "inv vendor.sync",
    ]


@pytest.mark.parametrize(
    ("target", "build"),
    [
        ("ggml_cuda.so", "cuda-linux-x86_64"),
        ("ggml_hipblas.so", "rocm-linux-x86_64"),
        ("ggml_cuda.dll", "cuda-windows-x86_64"),
        ("ggml_hipblas.dll", "rocm-windows-x86_64"),
    ],
)
def test_gpu_library_is_explained_and_its_wheel_is_built(target: str, build: str) -> None:
    said, called = make(target)
    assert said == f'{target} is in a wheel of its own, which this builds if this machine can: nox -s "wheel({build})"'
    assert called == f"nox -s wheel({build})"
    assert build in {cell.id for cell in load_matrix().builds}


def test_help_names_every_target_and_what_stands_behind_it() -> None:
    text = "\n".join(make("help"))
    for name in ("apply-patches", "create-patches", "sync", "ggml_cuda.so", "ggml_hipblas.dll", "make test"):
        assert name in text
    assert "inv --list" in text


def test_target_is_asked_of_the_matrix_where_it_is_not_given() -> None:
    done = subprocess.run(
        [MAKE, "--no-print-directory", f"PYTHON={sys.executable}", "NOX=@echo nox", "core"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.strip().removeprefix("nox -s wheel(").removesuffix(")") in {
        cell.id for cell in load_matrix().builds
    }
