"""Nothing that the Python code of a plug-in does reaches the process that uses llamapack."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.children.processes import LONGEST_OUTPUT, MARK, Command, ProcessResult
from llamapack.backends.children.subprocesses import run_children
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.plugins.entry_points import EntryPoint, entry_points
from llamapack.backends.probing import ask, cache
from llamapack.backends.probing.describe import describe_plugins
from llamapack.backends.probing.description import Description
from llamapack.backends.survey import discover
from llamapack.backends.verdicts import Fault, Status, Verdict

from tests.support.plugins.hanging import ending, hanging
from tests.support.plugins.installed import install
from tests.support.plugins.making import DESCRIBE
from tests.support.processes import lives

GROUP = "llamapack.backends"
REINSTALL = "python -m pip install --force-reinstall llamapack-bad"


@pytest.fixture
def site(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, and an empty one as the current one."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return site


def state() -> dict[str, Any]:
    """What the code of a plug-in could change in this process."""
    mask = os.umask(0o022)
    os.umask(mask)
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109
        "files": sorted(os.listdir(".")),  # noqa: PTH208
        "mask": mask,
        "modules": sorted(name for name in sys.modules if name.startswith("llamapack_")),
        "path": list(sys.path),
        "handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGABRT)],
        "hook": sys.excepthook,
        "recursion": sys.getrecursionlimit(),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
    }


def asked(**options: Any) -> dict[str, Description]:
    """Have all plug-ins described, and return what is known of each package; check that nothing else happened."""
    before, threads = state(), set(threading.enumerate())
    entries = entry_points(GROUP)
    descriptions = describe_plugins(entries, **options)
    assert state() == before
    assert set(threading.enumerate()) <= threads  # those of earlier tests may end meanwhile
    return {entry.package: each for entry, each in zip(entries, descriptions, strict=True)}


def verdict(description: Description) -> Verdict:
    assert isinstance(description.outcome, Verdict), description
    return description.outcome


HARMFUL = {
    "ends the process": (
        "import os\nos._exit(0)",
        Fault.NO_ANSWER,
        "importing llamapack_bad ended the process (exit status 0)",
    ),
    "ends it when it is called": (
        "import os\ndef describe():\n    print('good', flush=True)\n    print('bye', flush=True)\n    os._exit(3)",
        Fault.NO_ANSWER,
        "calling describe() ended the process (exit status 3): bye",
    ),
    "closes what it did not open": (
        "import os\nos.closerange(3, 256)\n" + DESCRIBE,
        Fault.NO_ANSWER,
        "importing llamapack_bad ended the process (exit status 1): OSError: [Errno 9] Bad file descriptor",
    ),
    "writes into what it did not open": (
        "import os\nfor number in range(3, 64):\n    try: os.write(number, b'\\xff')\n    except OSError: pass\n"
        + DESCRIBE,
        Fault.NONSENSE,
        "its entry point llamapack_bad:describe left an answer that cannot be read",
    ),
    "recurses without end": (
        "def again(): again()\nagain()",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe cannot be imported: RecursionError: maximum recursion depth exceeded",
    ),
    "is interrupted by itself": (
        "raise KeyboardInterrupt",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe cannot be imported: KeyboardInterrupt: ",
    ),
    "exits": (
        "import sys\nsys.exit('no licence')",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe cannot be imported: SystemExit: no licence",
    ),
}
if sys.platform != "win32":
    HARMFUL["crashes"] = (
        "import ctypes\nctypes.string_at(0)",
        Fault.CRASH,
        "importing llamapack_bad crashed: SIGSEGV (it accessed memory that is not its own)",
    )
    HARMFUL["kills itself"] = (
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        Fault.CRASH,
        "importing llamapack_bad crashed: SIGKILL (somebody killed it, often the system for want of memory)",
    )


@pytest.mark.parametrize("kind", HARMFUL)
def test_what_a_plugin_does_to_its_process_is_told_and_harms_no_other(site: Path, kind: str) -> None:
    source, fault, reason = HARMFUL[kind]
    install(site, "bad", source)
    install(site, "good")
    found = asked()
    assert isinstance(found["llamapack-good"].outcome, BackendPlugin)
    bad = verdict(found["llamapack-bad"])
    status = Status.REFUSED if fault is Fault.IMPORT else Status.BROKEN
    assert (bad.status, bad.fault, bad.remedy) == (status, fault, REINSTALL)
    assert bad.reason == f"llamapack-bad 1.0 is not used: {reason}"


HARMLESS = {
    "prints": "import os, sys\nprint('one')\nsys.stderr.write('two\\n')\nos.write(1, b'three')\n",
    "changes signal handlers": "import signal\nfor each in (2, 6, 15): signal.signal(each, signal.SIG_IGN)\n",
    "changes the environment": "import os\nos.environ.clear()\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\n",
    "changes the folder": "import os\nos.chdir('/')\nos.umask(0)\n",
    "changes the path of modules": "import sys\nsys.path.clear()\nsys.meta_path.clear()\n",
    "changes limits and hooks": "import sys\nsys.setrecursionlimit(5000)\nsys.excepthook = None\n",
    "takes the streams away": "import sys\nsys.stdin = sys.stdout = sys.stderr = None\n",
    "starts a thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n",
    "wants to do something at the end": "import atexit, time\natexit.register(time.sleep, 600)\n",
    "writes files": "open('litter', 'w').write('x')\n",
    "patches other modules": "import json, os\njson.dumps = os.path.isfile = None\n",
    "reads its input": "import sys\nassert sys.stdin.read() == ''\n",
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_a_plugin_changes_stays_in_its_process(site: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    install(site, "odd", HARMLESS[kind] + DESCRIBE)
    found = asked()["llamapack-odd"]
    assert isinstance(found.outcome, BackendPlugin), found
    assert capfd.readouterr() == ("", "")
    if kind == "prints":
        assert {word for word in ("one", "two", "three") if word in found.output} == {"one", "two", "three"}


def test_what_a_plugin_printed_is_in_its_verdict(site: Path) -> None:
    install(site, "bad", "print('x' * 10 ** 5)\n1 / 0")
    found = verdict(asked()["llamapack-bad"])
    assert (len(found.output), set(found.output.strip())) == (LONGEST_OUTPUT, {"x"})
    install(site, "loud", "print('hello')\n" + DESCRIBE)
    assert discover().output == {"llamapack-bad": found.output, "llamapack-loud": "hello\n"}
    assert discover().output["llamapack-loud"] == "hello\n"  # also if the description is a remembered one


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A file that a plug-in makes before it hangs."""
    return tmp_path / "begun"


def test_a_plugin_that_hangs_is_ended_and_is_not_waited_for_again(
    site: Path, monkeypatch: pytest.MonkeyPatch, begun: Path
) -> None:
    install(site, "bad", hanging(begun))
    found = verdict(asked(seconds=5.0, run=ending(begun))["llamapack-bad"])
    assert (found.status, found.fault, found.output) == (Status.BROKEN, Fault.TIMEOUT, "I sleep\n")
    assert found.reason == "llamapack-bad 1.0 is not used: importing llamapack_bad took longer than 5 s and was ended"
    assert found.remedy == (
        "To do without it: python -m pip uninstall llamapack-bad. If it is only slow: LLAMAPACK_PROBE_SECONDS=120"
    )
    assert verdict(asked(run=pytest.fail)["llamapack-bad"]) == found
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)
    counted = Counted()
    asked(seconds=0.01, run=counted)
    assert counted.modules == ["llamapack_bad"]


def test_a_plugin_that_hangs_is_asked_again_once_it_is_changed(site: Path, begun: Path) -> None:
    install(site, "bad", hanging(begun))
    assert verdict(asked(seconds=5.0, run=ending(begun))["llamapack-bad"]).fault is Fault.TIMEOUT
    (site / "llamapack_bad" / "__init__.py").write_text(DESCRIBE, encoding="utf-8")
    assert isinstance(asked()["llamapack-bad"].outcome, BackendPlugin)


class Counted:
    """Runs the processes, and notes which modules they were to import."""

    def __init__(self) -> None:
        self.modules: list[str] = []

    def __call__(self, commands: Sequence[Command], seconds: float) -> tuple[ProcessResult, ...]:
        self.modules += [json.loads(list(command(9))[-1])["module"] for command in commands]
        return run_children(commands, seconds)


def test_a_description_is_remembered_until_the_plugin_changes(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = "from llamapack_one import helper\n"
    install(site, "one", helper + DESCRIBE)
    install(site, "two")
    package = site / "llamapack_one"
    (package / "helper.py").write_text("import json\n", encoding="utf-8")
    runs = Counted()
    first = asked(run=runs)
    assert sorted(runs.modules) == ["llamapack_one", "llamapack_two"]
    assert asked(run=pytest.fail) == first

    def again(**options: Any) -> list[str]:
        runs = Counted()
        asked(run=runs, **options)
        return runs.modules

    assert again(mode="always") == ["llamapack_one", "llamapack_two"]
    for path in (package / "__init__.py", package / "helper.py", package / "lib" / "backend.json"):
        path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
        assert again() == ["llamapack_one"], path
        assert again() == []
    (package / "lib" / "libone.so").write_bytes(b"new")
    assert again() == ["llamapack_one"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "17")
    assert again() == ["llamapack_one", "llamapack_two"]
    metadata = site / "llamapack_two-1.0.dist-info" / "entry_points.txt"
    metadata.write_text(metadata.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert again() == ["llamapack_two"]


def test_a_file_that_the_description_is_made_of_is_watched(site: Path) -> None:
    install(site, "one", "from pathlib import Path\nPath(__file__).with_name('settings.txt').read_text()\n" + DESCRIBE)
    settings = site / "llamapack_one" / "settings.txt"
    settings.write_text("1", encoding="utf-8")
    asked()
    settings.write_text("22", encoding="utf-8")
    runs = Counted()
    asked(run=runs)
    assert runs.modules == ["llamapack_one"]


def test_what_failed_at_once_is_asked_again(site: Path) -> None:
    """What it needs may be installed meanwhile, and asking costs little."""
    install(site, "bad", "import llamapack_missing\n" + DESCRIBE)
    assert verdict(asked()["llamapack-bad"]).fault is Fault.IMPORT
    (site / "llamapack_missing.py").touch()
    assert isinstance(asked()["llamapack-bad"].outcome, BackendPlugin)


def test_a_damaged_memory_is_as_if_it_were_not_there(site: Path, tmp_path: Path) -> None:
    install(site, "one")
    first = asked()
    (file,) = (tmp_path / "cache" / "verdicts").glob("plugin-*.json")
    changes: list[object] = [{"plugin": 3}, {"plugin": {}}, {"plugin": {"name": 1}}, {}, None]
    for change in changes:
        data = json.loads(file.read_bytes())
        file.write_text(json.dumps({**data, "content": change}), encoding="utf-8")
        assert asked() == first, change


def test_a_plugin_that_uses_llamapack_while_it_is_asked_does_not_ask_itself(site: Path, tmp_path: Path) -> None:
    noted = tmp_path / "imports"
    source = f"open({str(noted)!r}, 'a').write('x')\nfrom llamapack.backends.survey import discover\ndiscover()\n"
    install(site, "one", source + DESCRIBE)
    install(site, "two", source + DESCRIBE)
    found = asked()
    assert all(isinstance(each.outcome, BackendPlugin) for each in found.values()), found
    assert noted.read_text(encoding="utf-8") == "xx"


@pytest.mark.skipif(sys.platform == "win32", reason="the process is looked at in the way of POSIX")
def test_what_a_plugin_starts_is_ended_with_it(site: Path, tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    install(
        site,
        "parent",
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        f"open({str(noted)!r}, 'w').write(str(child.pid))\n" + DESCRIBE,
    )
    assert isinstance(asked()["llamapack-parent"].outcome, BackendPlugin)
    if sys.platform == "linux":  # elsewhere what left for another session is not found
        assert not lives(int(noted.read_text(encoding="utf-8")))


INTERRUPTED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path[:0] = sys.argv[1:]
from llamapack.backends.survey import discover
try:
    discover()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a signal is sent in the way of POSIX")
def test_ctrl_c_while_a_plugin_is_asked_ends_it_and_is_the_users(site: Path, tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    install(site, "slow", f"import os, time\nopen({str(noted)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    package = Path(cache.__file__).parents[3]
    words = [sys.executable, "-c", INTERRUPTED, str(package), str(site)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, encoding="utf-8") as process:
        while not noted.exists() or not noted.read_text(encoding="utf-8"):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "interrupted\n"
    assert not lives(int(noted.read_text(encoding="utf-8")))


@pytest.mark.parametrize("why", ["never", "frozen", "a probe"])
def test_where_no_process_may_be_started_the_file_is_read(
    site: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    install(site, "one", "import os\nos._exit(0)")
    install(site, "bare")
    (site / "llamapack_bare" / "lib" / "backend.json").unlink()
    install(site, "bad")
    (site / "llamapack_bad" / "lib" / "backend.json").write_text("{}", encoding="utf-8")
    fault, reason, remedy = {
        "never": (Fault.NOT_ASKED, "LLAMAPACK_PROBE is never, and nothing is known from before", ""),
        "frozen": (
            Fault.NO_PYTHON,
            "this program carries its Python inside itself",
            "Set LLAMAPACK_PROBE_PYTHON to the path of a Python interpreter.",
        ),
        "a probe": (Fault.NO_PYTHON, "this process is a probe itself", ""),
    }[why]
    if why == "never":
        monkeypatch.setenv("LLAMAPACK_PROBE", "never")
    elif why == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        monkeypatch.setenv(MARK, "x")
    found = asked(run=pytest.fail)
    assert isinstance(found["llamapack-one"].outcome, BackendPlugin)
    assert found["llamapack-one"].outcome.library == (site / "llamapack_one" / "lib" / "libone.so").resolve()
    bare, bad = verdict(found["llamapack-bare"]), verdict(found["llamapack-bad"])
    what = f"llamapack-bare 1.0 is not used: it could not be asked for its description: {reason}"
    assert (bare.fault, bare.reason, bare.remedy) == (fault, what, remedy)
    assert (bad.fault, "does not fit the contract" in bad.reason) == (Fault.WRONG_TYPE, True)


ENTRY = EntryPoint(name="one", value="llamapack_one:describe", package="llamapack-one", version="1.0")
FACTS: dict[str, object] = {
    "name": "one",
    "package": "llamapack-one",
    "version": "1.0",
    "library": "/x/libone.so",
    "abi_id": "1",
    "llama_commit": "2",
    "preload": [],
    "targets": [],
    "driver_floor": None,
    "toolkit": None,
}


@pytest.mark.parametrize(
    ("report", "fault"),
    [
        (b"", Fault.NO_ANSWER),
        (b"{", Fault.NONSENSE),
        (b"[]", Fault.NONSENSE),
        (b'{"other": 1}', Fault.NONSENSE),
        (b'{"step": 1}', Fault.NONSENSE),
        (b'{"files": 1}', Fault.NONSENSE),
        (b'{"files": [1]}', Fault.NONSENSE),
        (b'{"fault": "no such fault", "reason": ""}', Fault.NONSENSE),
        (b'{"plugin": 1}', Fault.NONSENSE),
        (b'{"plugin": {}}', Fault.NONSENSE),
        (json.dumps({"plugin": {**FACTS, "more": 1}}).encode(), Fault.NONSENSE),
        (json.dumps({"plugin": {**FACTS, "library": 1}}).encode(), Fault.NONSENSE),
        (json.dumps({"plugin": {**FACTS, "targets": [1]}}).encode(), Fault.NONSENSE),
        (json.dumps({"plugin": {**FACTS, "abi_id": 1}}).encode(), Fault.WRONG_TYPE),
        (json.dumps({"plugin": {**FACTS, "name": "two"}}).encode(), Fault.WRONG_TYPE),
        (json.dumps({"plugin": FACTS}).encode(), Fault.MISSING_FILE),
        (b"[" * 100_000, Fault.NONSENSE),
    ],
)
def test_what_the_child_answers_is_not_trusted(report: bytes, fault: Fault) -> None:
    result = ProcessResult(status=0, report=report, output="", seconds=0.1)
    found = ask.judge(ENTRY, result, cache.CacheFile(path=None, key={}), 1.0)
    assert verdict(found).fault is fault


def test_no_module_beside_the_program_hides_one_of_pythons() -> None:
    """The program is run by its path, so its folder is the first on the path of modules until it is changed."""
    assert {path.stem for path in Path(ask.__file__).parent.glob("*.py")}.isdisjoint(sys.stdlib_module_names)
