"""The wheel, installed alone into a clean environment of every Python here, generates the same text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.paths import REQUIREMENTS, ROOT
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


def clean_variables() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLAMAPACK_", "PYTHON", "VIRTUAL_ENV"))
    }
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONIOENCODING": "utf-8"}


def call(*words: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=clean_variables(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """What each Python generated so far."""
    return {}


def install(version: str, wheel: Path, folder: Path) -> Environment:
    """Make a clean environment with the wheel; skip where that Python is missing."""
    if not (python := find_python(version)):
        pytest.skip(f"Python {version} is not on this machine")
    environment = Environment(folder=folder / "env")
    call(python, "-m", "venv", environment.folder, cwd=folder)
    pip = [environment.python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    if version == "3.13t":  # the pinned numpy has no wheel for it any more
        call(*pip, "numpy", "click", "rich", cwd=folder)
    else:
        call(*pip, "--no-deps", "--require-hashes", "--requirement", REQUIREMENTS / "core.txt", cwd=folder)
    call(*pip, "--no-deps", "--no-index", wheel, cwd=folder)
    return environment


@pytest.mark.parametrize("version", VERSIONS)
def test_wheel_alone_generates(version: str, wheel: Path, model: Path, tmp_path: Path, texts: dict[str, str]) -> None:
    environment = install(version, wheel, tmp_path)
    place = Path(call(environment.python, "-c", PLACE, cwd=tmp_path).splitlines()[0])
    assert place.is_relative_to(environment.folder)
    assert not place.is_relative_to(ROOT)
    texts[version] = call(environment.program("llamapack"), "run", "--model", model, *COMMAND, cwd=tmp_path)
    assert "Paris" in texts[version]
    assert set(texts.values()) == {texts[version]}


@pytest.mark.parametrize("version", [version for version in VERSIONS if version.endswith("t")])
def test_threads_without_a_gil_generate_at_once(version: str, wheel: Path, model: Path, tmp_path: Path) -> None:
    environment = install(version, wheel, tmp_path)
    gil, same, text = call(environment.python, "-c", THREADS, model, cwd=tmp_path).splitlines()
    assert (gil, same) == ("False", "True")
    assert "Paris" in text


def test_running_python_is_always_among_them() -> None:
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in VERSIONS
