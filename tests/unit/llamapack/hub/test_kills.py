"""Downloads in other processes: killed at any moment, several at once, ended by Ctrl-C."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from llamapack.hub import resolve

from tests.support.hub.models import files_in, model
from tests.support.hub.standing_in import COMMIT, Handler, Hub, in_pieces, on_files, sha256, slowly
from tools.paths import ROOT

KILLS = int(os.environ.get("LLAMAPACK_HUB_KILLS", "200"))
"""How many downloads are killed: 200 take some seconds."""

FILES = {
    "a-Q8_0-00001-of-00002.gguf": model("one", more=200_000),
    "a-Q8_0-00002-of-00002.gguf": model("two", more=100_000),
    "mmproj-a-F16.gguf": model("three", more=50_000),
}
NAME = "models--org--repo"
REFERENCE = "hf:org/repo"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork and no SIGKILL on Windows")


@pytest.fixture
def hub(hub: Hub) -> Hub:
    """A hub with a model in two parts, and its projector."""
    hub.put("org/repo", FILES)
    return hub


@contextmanager
def python(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start Python; it is killed in the end."""
    command = [sys.executable, *arguments]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=variables, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def expected() -> list[str]:
    """Return what is in the cache in the end."""
    blobs = [f"{NAME}/blobs/{sha256(data)}" for data in FILES.values()]
    links = [f"{NAME}/snapshots/{COMMIT}/{name}" for name in FILES]
    return sorted([*blobs, *links, f"{NAME}/refs/main", f"{NAME}/trees/{COMMIT}.json"])


def check(cache: Path) -> None:
    """Check that the cache has the right bytes, and nothing else."""
    assert files_in(cache) == expected()
    for name, data in FILES.items():
        assert (cache / NAME / "snapshots" / COMMIT / name).read_bytes() == data


def test_killed_downloads_end_with_the_right_bytes_and_nothing_else(hub: Hub, cache: Path, tmp_path: Path) -> None:
    rng = random.Random(20)  # noqa: S311  # no secret
    hub.faults.append(in_pieces(rng))
    killed = rounds = 0
    with python("-m", "tests.support.hub.dying") as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def attempt(last: int) -> str:
            print(REFERENCE, last, file=process.stdin, flush=True)
            return process.stdout.readline().strip()  # type: ignore[union-attr]

        lines = int(attempt(0).removeprefix("done "))
        check(cache)
        while killed < KILLS:
            cache.rename(tmp_path / f"before-{rounds}")
            rounds += 1
            while (answer := attempt(rng.randint(1, lines))) == "killed":
                killed += 1
            assert answer.startswith("done "), answer
            check(cache)
    assert rounds < killed


def test_two_processes_download_a_file_once(hub: Hub, cache: Path) -> None:
    hub.faults.append(slowly(20_000, 0.002))
    work = f"from llamapack.hub import resolve; print(len(resolve({REFERENCE!r}).parts))"
    with python("-c", work) as one, python("-c", work) as two, python("-c", work) as three:
        assert [process.communicate()[0] for process in (one, two, three)] == ["2\n"] * 3
    check(cache)
    assert len([asked for asked in hub.downloads() if "Range" not in asked.headers]) <= len(FILES) + 3  # and headers


def test_control_c_ends_a_download_at_once_and_keeps_what_is_here(hub: Hub, cache: Path) -> None:
    data = FILES["a-Q8_0-00001-of-00002.gguf"]
    asked: list[Handler] = []

    def stall(handler: Handler) -> None:
        asked.append(handler)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data if len(asked) == 1 else data[:100_000])  # the first asks for the header
        handler.rfile.read()  # until the other side goes

    work = (
        "from llamapack.hub import resolve\n"
        "def tell(name, done, total): done >= 100_000 and print('here', flush=True)\n"
        f"resolve({REFERENCE!r}, progress=tell)"
    )
    hub.faults.append(on_files(stall))
    with python("-c", work) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        errors = process.communicate()[1]
    assert process.returncode == -signal.SIGINT
    assert errors.endswith("KeyboardInterrupt\n")
    partial = cache / NAME / "blobs" / f"{sha256(data)}.incomplete"
    assert partial.stat().st_size == 100_000
    hub.faults.clear()
    hub.asked.clear()
    resolve(REFERENCE)
    assert hub.downloads()[0].headers["Range"] == "bytes=100000-"
    check(cache)
