"""The patch for requests that wait: they ask soon whether they are to stop, whatever other requests do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.native_programs import compiler, upstream_file
from tools.paths import ROOT

PROGRAMS = ROOT / "tests" / "support" / "programs"
LOG = "#define LOG_INF(...)\n#define LOG_WRN(...)\n#define LOG_ERR(...)\n#define LOG_DBG(...)\n"


def build(tree: str, folder: Path, *words: str) -> Path:
    """Compile the program with llama.cpp's queues as `tree` has them, and with stand-ins for what they call."""
    for name in ("server-queue.cpp", "server-queue.h"):
        (folder / name).write_bytes(upstream_file(tree, f"tools/server/{name}"))
    for name in ("server-task.h", "server-waiting.cpp"):
        (folder / name).write_bytes((PROGRAMS / name).read_bytes())
    (folder / "log.h").write_text(LOG, encoding="utf-8")
    sources = [str(folder / name) for name in ("server-queue.cpp", "server-waiting.cpp")]
    command = [compiler(), "-std=c++17", "-pthread", *words, *sources, "-o", str(folder / "program")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return folder / "program"


def run(program: Path, what: str) -> str:
    return subprocess.run([program, what], capture_output=True, encoding="utf-8", check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("patched", tmp_path_factory.mktemp("patched"), "-DHAS_INTERRUPT")


def test_a_waiting_request_asks_in_time_while_others_get_results(patched: Path) -> None:
    assert run(patched, "deadline") == "left while the other went on\n"


def test_a_waiting_request_asks_when_it_is_told_to(patched: Path) -> None:
    assert run(patched, "interrupt") == "asked twice\n"


def test_upstream_still_needs_the_patch(tmp_path: Path) -> None:
    assert run(build("upstream", tmp_path), "deadline") == "waited for the other\n"
