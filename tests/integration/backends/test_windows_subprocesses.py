"""Children on Windows are ended whatever they do, as elsewhere: by a Python for Windows, under Wine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import llamapack
import pytest

from tests.support.wine import run_in_wine, wine
from tools.platforms.windows_python import windows_python
from tools.platforms.wine import windows_path

if sys.platform != "linux":
    pytest.skip("Wine is asked for on Linux only", allow_module_level=True)

PROGRAM = """
import json, os, sys, time
from pathlib import Path
from llamapack.backends.probing import _probe
from llamapack.backends.children.subprocesses import run_children
from llamapack.backends.children.exit_status import describe_crash

REPORT = "import ctypes, msvcrt, os, subprocess, sys, time\\n"
REPORT += "report = msvcrt.open_osfhandle(int(sys.argv[1]), os.O_WRONLY)\\n"
HEART = "import sys, time\\nwhile True: open(sys.argv[1], 'a').write('x'); time.sleep(0.05)"

def program(code, *more):
    return lambda handle: [sys.executable, "-I", "-S", "-c", REPORT + code, str(handle), *map(str, more)]

def run(code, *more, seconds=60.0):
    return told(run_children([program(code, *more)], seconds)[0])

def told(ended):
    return {**vars(ended), "report": ended.report.decode("latin-1")}

def probe(code="p.main(job)"):
    absent = str(Path(sys.argv[1]) / "absent.dll")
    job = {"bindings": sys.argv[2], "base": absent, "ggml": absent, "cpu": absent, "plugin": None, "seconds": 60}
    load = "import json; from importlib.util import module_from_spec, spec_from_file_location as spec_of\\n"
    load += "spec = spec_of('p', sys.argv[2]); p = module_from_spec(spec); spec.loader.exec_module(p)\\n"
    load += "job = {**json.loads(sys.argv[3]), 'report': int(sys.argv[1])}\\n"
    begin = lambda handle: [*program(load + code, _probe.__file__, json.dumps(job))(handle)]
    return told(run_children([begin], 60.0)[0])

heart = Path(sys.argv[1]) / "heart"
said = {
    "answer": run("os.write(report, b'answer'); print('out', flush=True); os.write(2, b'err'); sys.exit(7)"),
    "crash": run(
        "ctypes.windll.kernel32.CreateThread(None, 0, ctypes.c_void_p(0), None, 0, None); time.sleep(600)"
    ),
    "flood": run("for _ in range(40): os.write(2, b'x' * 65536); os.write(report, b'y' * 65536)\\nos.write(2, b'end')"),
    "grandchild": run(
        "subprocess.Popen([sys.executable, '-I', '-S', '-c', sys.argv[2], sys.argv[3]])\\n"
        "while not os.path.exists(sys.argv[3]): time.sleep(0.05)", HEART, heart
    ),
    "together": [
        told(ended)
        for ended in run_children(
            [
                program("os.write(report, b'begun'); time.sleep(600)"),
                program("os.write(report, b'2')"),
                program("while True: os.write(2, b'x' * 65536)"),
            ],
            10.0,
        )
    ],
    "probe": probe(),
    "probe that crashes": probe("p.probe = lambda job, step: (step('computing'), ctypes.string_at(0)); p.main(job)"),
}
said["crash"]["words"] = describe_crash(said["crash"]["status"])
before = heart.stat().st_size
time.sleep(1)
said["beats"] = heart.stat().st_size - before
try:
    run_children([lambda handle: [sys.argv[1] + "/absent.exe"]], 3.0)
except OSError as error:
    said["absent"] = type(error).__name__
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the children did, and how they were ended."""
    folder, program = tmp_path_factory.mktemp("windows"), [wine(), str(windows_python())]
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    package = Path(llamapack.__file__).resolve().parent
    words = [windows_path(folder), windows_path(package / "_native" / "_generated.py")]
    command = [*program, windows_path(folder / "program.py"), *words]
    found = run_in_wine(command, folder / "wine", folder, PYTHONPATH=windows_path(package.parent))
    return dict(json.loads(found))


def test_answer_output_and_status_are_kept(said: dict[str, Any]) -> None:
    assert said["answer"] | {"seconds": 0} == {
        "status": 7,
        "report": "answer",
        "output": "out\r\nerr",
        "seconds": 0,
    }


def test_a_crash_is_named(said: dict[str, Any]) -> None:
    assert said["crash"]["words"] == "STATUS_ACCESS_VIOLATION (it accessed memory that is not its own)"


def test_a_flood_is_cut(said: dict[str, Any]) -> None:
    flood = said["flood"]
    assert (flood["status"], len(flood["report"]), len(flood["output"])) == (0, 1 << 20, 8 << 10)
    assert flood["output"].endswith("xend")


def test_children_run_at_the_same_time_and_are_ended_in_time(said: dict[str, Any]) -> None:
    hang, quick, endless = said["together"]
    assert (hang["status"], hang["report"]) == (None, "begun")
    assert (quick["status"], quick["report"]) == (0, "2")
    assert (endless["status"], len(endless["output"])) == (None, 8 << 10)
    assert max(each["seconds"] for each in said["together"]) < 60


def test_what_a_child_started_is_ended_with_it(said: dict[str, Any]) -> None:
    assert (said["grandchild"]["status"], said["beats"]) == (0, 0)


def test_a_program_that_is_not_there_is_an_error(said: dict[str, Any]) -> None:
    assert said["absent"] == "FileNotFoundError"


def test_the_probe_answers_through_its_handle(said: dict[str, Any]) -> None:
    assert said["probe"]["status"] == 0
    step, fault = map(json.loads, said["probe"]["report"].splitlines())
    assert step == {"step": "loading ggml"}
    assert (fault["fault"], "absent.dll" in fault["reason"]) == ("loading", True)


def test_a_crash_that_ctypes_catches_is_said(said: dict[str, Any]) -> None:
    """Windows lets ctypes turn it into an exception of Python."""
    step, fault = map(json.loads, said["probe that crashes"]["report"].splitlines())
    assert step == {"step": "computing"}
    assert (fault["fault"], fault["reason"].split(" 0x")[0]) == ("crash", "exception: access violation reading")
