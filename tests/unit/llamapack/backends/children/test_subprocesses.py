"""Children are ended whatever they do, with all that they started. The children here are small Python programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from llamapack.backends.children import subprocesses
from llamapack.backends.children.processes import LONGEST_OUTPUT, LONGEST_REPORT, MARK, ProcessResult
from llamapack.backends.children.subprocesses import kill_marked, run_children

from tests.support.processes import lives

if sys.platform == "win32":
    pytest.skip("signals and process groups are POSIX's", allow_module_level=True)


def program(code: str, *arguments: str | Path) -> Callable[[int], Sequence[str]]:
    """Make a command that runs `code`, which finds the descriptor in `report`."""
    return lambda report: [
        *(sys.executable, "-I", "-S", "-c", f"import os, sys, time; report = {report}\n{code}"),
        *map(str, arguments),
    ]


def run(code: str, *arguments: str | Path, seconds: float = 20) -> ProcessResult:
    return run_children([program(code, *arguments)], seconds)[0]


def test_the_answer_and_the_output_are_kept_apart() -> None:
    ended = run("os.write(report, b'answer'); print('out', flush=True); os.write(2, b'err'); sys.exit(7)")
    assert (ended.status, ended.report, ended.output) == (7, b"answer", "out\nerr")
    assert 0 < ended.seconds < 20


def test_a_signal_is_a_negative_status() -> None:
    assert run("os.kill(os.getpid(), 11)").status == -signal.SIGSEGV


def test_time_that_is_up_has_no_status() -> None:
    ended = run("os.write(report, b'begun'); time.sleep(60)", seconds=1)
    assert (ended.status, ended.report) == (None, b"begun")
    assert 1 <= ended.seconds < 15


def test_a_child_that_ignores_requests_to_end_is_ended() -> None:
    ended = run("import signal; signal.signal(15, signal.SIG_IGN); time.sleep(60)", seconds=1)
    assert ended.status is None


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_child_that_cannot_be_killed_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that hangs in a system call of a driver."""
    monkeypatch.setattr(os, "killpg", lambda group, number: None)
    monkeypatch.setattr(subprocesses, "kill_marked", lambda mark: 0)
    monkeypatch.setattr(subprocesses, "SECONDS_TO_DIE", 0.2)
    ended = run("open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)", tmp_path / "pid", seconds=1)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (ended.status, ended.report) == (None, b"")
    assert ended.seconds < 15


def test_long_answers_and_outputs_are_cut() -> None:
    ended = run("os.write(2, b'begin'); [os.write(2, b'x' * 65536) for _ in range(32)]; os.write(2, b'end')")
    assert (len(ended.output), ended.output[-4:]) == (LONGEST_OUTPUT, "xend")
    ended = run("[os.write(report, b'y' * 65536) for _ in range(40)]")
    assert (ended.status, len(ended.report)) == (0, LONGEST_REPORT)


def test_an_endless_flood_ends_in_time() -> None:
    ended = run("while True: os.write(2, b'x' * 65536); os.write(report, b'x' * 65536)", seconds=1)
    assert (ended.status, len(ended.report), len(ended.output)) == (None, LONGEST_REPORT, LONGEST_OUTPUT)
    assert ended.seconds < 15


GRANDCHILD = """
if os.fork() == 0:
    if {own}: os.setsid()
    open(sys.argv[1], "w").write(str(os.getpid()))
    while True: time.sleep(0.01); {act}
while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]): time.sleep(0.01)
"""


@pytest.mark.parametrize("own", [False, pytest.param(True, marks=pytest.mark.skipif("sys.platform != 'linux'"))])
@pytest.mark.parametrize("act", ["pass", "os.write(2, b'x' * 65536)"])
def test_a_grandchild_is_ended_and_nobody_waits_for_it(tmp_path: Path, own: bool, act: str) -> None:
    ended = run(GRANDCHILD.format(own=own, act=act), tmp_path / "pid")
    assert ended.status == 0
    assert ended.seconds < 20
    assert not lives(int((tmp_path / "pid").read_text()))


def open_files() -> set[str]:
    return {str(path) for path in Path("/proc/self/fd").iterdir()}


def test_children_run_at_the_same_time_and_answer_in_order() -> None:
    began = time.monotonic()
    ended = run_children([program("time.sleep(60)"), program("os.write(report, b'2')"), program("1 / 0")], 1.5)
    assert time.monotonic() - began < 15
    assert [(end.status, end.report) for end in ended] == [(None, b""), (0, b"2"), (1, b"")]
    assert "ZeroDivisionError" in ended[2].output
    assert ended[1].seconds < ended[0].seconds


def test_a_program_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    before = open_files() if sys.platform == "linux" else set()
    with pytest.raises(OSError, match="absent"):
        run_children([program("time.sleep(60)"), lambda report: [str(tmp_path / "absent")]], 60)
    if sys.platform == "linux":
        assert open_files() == before


def test_no_descriptor_is_left_open() -> None:
    if sys.platform != "linux":
        pytest.skip("open descriptors are counted in /proc")
    before = open_files()
    run_children([program("pass")] * 4, 20)
    assert open_files() == before


def test_ctrl_c_ends_the_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def interrupted(report: int) -> list[str]:
        while not (pid.exists() and pid.read_text()):
            time.sleep(0.01)
        raise KeyboardInterrupt

    waiting = program("open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)", pid)
    with pytest.raises(KeyboardInterrupt):
        run_children([waiting, interrupted], 60)
    assert not lives(int(pid.read_text()))


WITHOUT_STREAMS = """
import os, sys
sys.path.insert(0, sys.argv[1])
out = os.dup(1)
for descriptor in range(3):
    os.close(descriptor)
from llamapack.backends.children.subprocesses import run_children
answer = "import os, sys; os.write(int(sys.argv[1]), b'answer'); os.write(2, b'err')"
ended = run_children([lambda report: [sys.executable, "-I", "-c", answer, str(report)]], 20)[0]
os.write(out, repr((ended.status, ended.report, ended.output)).encode())
"""


def test_a_process_without_standard_streams_can_run_children() -> None:
    package = Path(run_children.__code__.co_filename).parents[3]
    done = subprocess.run([sys.executable, "-c", WITHOUT_STREAMS, package], capture_output=True, check=False)
    assert done.stdout == b"(0, b'answer', 'err')"


def test_only_marked_processes_are_killed() -> None:
    if sys.platform != "linux":
        pytest.skip("the mark is read from /proc")
    assert kill_marked("nobody has this mark") == 0
    assert MARK not in os.environ
