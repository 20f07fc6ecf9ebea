"""The wheel, installed alone into a clean environment of every Python here, generates the same text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environments import PINNED, PIP, clean_environment, run_clean
from tools.paths import ROOT
from tools.util.venv import Environment

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.13t", "3.14t", "pypy3.11")
COMMAND = ["--raw", "--temp", "0", "--max-tokens", "16", "--threads", "1", "--quiet", "The capital of France is"]
THREADS = """
import sys, threading, llamapack
texts = {}
def write(number):
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        for _ in range(3):
            context.clear()
            texts[number] = list(llamapack.generate(
                model, "The capital of France is", context=context, max_tokens=16, temperature=0))
with llamapack.Model(sys.argv[1]) as model:
    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(sys._is_gil_enabled(), texts[0] == texts[1], repr("".join(texts[0])), sep="\n")
"""
PLACE = "import llamapack, sys; print(llamapack.__file__); print(sys.version_info[:2])"


def find_python(version: str) -> str | None:
    """Return an interpreter of `version`: the running one, on PATH, of pyenv, or by Windows's launcher."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}" and sys.implementation.name == "cpython":
        return sys.executable
    name = version if version.startswith("pypy") else f"python{version}"
    pyenv = sorted(
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob(f"{version}*/bin/{name}")
    )
    for command in [[name], *([str(path)] for path in pyenv), ["py", f"-{version}"]]:
        if shutil.which(command[0]) and (found := answers(command)):
            return found
    return None


def answers(command: list[str]) -> str | None:
    """Return the interpreter behind `command`; a pyenv shim of a version that is not chosen answers with nothing."""
    said = subprocess.run(
        [*command, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() if said.returncode == 0 else None


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder for what each Python generated so far, which the processes that run these tests share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "texts"
    folder.mkdir(exist_ok=True)
    return folder


def install(version: str, wheel: Path, folder: Path) -> Environment:
    """Make a clean environment with the wheel; skip where that Python is missing."""
    if not (python := find_python(version)):
        pytest.skip(f"Python {version} is not on this machine")
    # The pinned numpy has no wheel for 3.13t any more.
    packages = ("numpy", "click", "psutil", "rich") if version == "3.13t" else PINNED
    environment = clean_environment(folder / "env", python, packages)
    run_clean(environment.python, *PIP, "--no-deps", "--no-index", wheel, cwd=folder)
    return environment


@pytest.mark.parametrize("version", VERSIONS)
def test_wheel_alone_generates(version: str, wheel: Path, model: Path, tmp_path: Path, texts: Path) -> None:
    environment = install(version, wheel, tmp_path)
    place = Path(run_clean(environment.python, "-c", PLACE, cwd=tmp_path).splitlines()[0])
    assert place.is_relative_to(environment.folder)
    assert not place.is_relative_to(ROOT)
    text = run_clean(environment.program("llamapack"), "run", "--model", model, *COMMAND, cwd=tmp_path)
    assert "Paris" in text
    (tmp_path / "text").write_text(text, encoding="utf-8")
    (tmp_path / "text").replace(texts / version)  # in one step, for the others read it
    assert {path.read_text(encoding="utf-8") for path in texts.iterdir()} == {text}


@pytest.mark.parametrize("version", [version for version in VERSIONS if version.endswith("t")])
def test_threads_without_a_gil_generate_at_once(version: str, wheel: Path, model: Path, tmp_path: Path) -> None:
    environment = install(version, wheel, tmp_path)
    gil, same, text = run_clean(environment.python, "-c", THREADS, model, cwd=tmp_path).splitlines()
    assert (gil, same) == ("False", "True")
    assert "Paris" in text


def test_running_python_is_always_among_them() -> None:
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in VERSIONS
