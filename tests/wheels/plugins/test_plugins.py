"""Real wheels in a clean environment: core alone, with a good plug-in, with broken ones beside it, and upgraded alone.

Nothing is replaced in the loaders: what runs is what pip installed. The plug-ins are those of tests/support/plugins.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.plugin_environment import Place, make_place, next_version, renamed
from tests.support.plugins.making import DESCRIBE, Plugin
from tests.support.processes import lives
from tests.support.report_keys import undocumented

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the plug-ins of the tests are built for Linux only")


@pytest.fixture(scope="module")
def likeliest(shared: Place) -> int:
    """The token that the CPU alone finds likeliest."""
    return int(shared.load(LLAMAPACK_BACKENDS="cpu")["likeliest"])


def test_core_alone_says_nothing_and_is_healthy(place: Place, likeliest: int) -> None:
    assert place.load() == {"devices": [], "layers": None, "likeliest": likeliest, "warnings": []}
    status, report = place.doctor()
    assert (status, report["status"], report["backends"], report["problems"]) == (0, "healthy", [], [])


def test_core_alone_refuses_what_needs_a_plugin(place: Place) -> None:
    required = place.run("-m", "llamapack", "run", "--require-gpu", "-m", place.model, "hi")
    assert (required.returncode, required.stderr.splitlines()[:2]) == (
        4,
        [
            "llamapack: No GPU can be used, and require_gpu asks for one.",
            "No backend plug-in is installed.",
        ],
    )
    named = place.run("-m", "llamapack", "run", "--backend", "vulkan", "-m", place.model, "hi")
    assert (named.returncode, named.stderr) == (
        4,
        "llamapack: The backend 'vulkan' (backends) is not installed.\n"
        'Run: python -m pip install "llamapack[vulkan]"\n',
    )


def test_a_good_plugin_is_used_until_it_is_removed(place: Place, likeliest: int) -> None:
    place.install(Plugin())
    used = {"devices": ["Example0"], "layers": 31, "likeliest": likeliest, "warnings": []}
    assert place.load() == used
    status, report = place.doctor()
    assert (status, [backend["status"] for backend in report["backends"]]) == (0, ["usable"])
    assert [device["name"] for device in report["choice"]["devices"]] == ["Example0"]
    assert place.load(LLAMAPACK_BACKENDS="cpu")["devices"] == []
    place.empty()
    assert place.load() == {"devices": [], "layers": None, "likeliest": likeliest, "warnings": []}


def test_the_command_tells_what_it_runs_on(place: Place) -> None:
    place.install(Plugin())
    words = ("-m", "llamapack", "run", "-m", place.model, "--temp", "0", "-n", "2", "--require-gpu", "--gpu-layers")
    done = place.run(*words, "3", "hi")
    assert (done.returncode, "; 3 layers on Example0; " in done.stderr) == (0, True), done.stderr
    assert "must be a number, `auto` or `fit`, not 'some'" in place.run(*words, "some", "hi").stderr


FIT = """
import sys, llamapack

for layers in ("fit", "auto"):
    options = {"n_gpu_layers": layers, "fit_n_ctx": 2048, "fit_reserve": int(sys.argv[2])}
    with llamapack.Model(sys.argv[1], **options) as model, llamapack.Context(model, n_ctx=2048, n_threads=1) as context:
        context.decode(model.vocab.tokenize("Hello"))
        print(model.offload.n_gpu_layers)
"""


def test_layers_that_do_not_fit_are_refused_and_fewer_are_placed_if_asked(place: Place) -> None:
    place.install(Plugin(name="small", memory=300 << 20))
    everything, partly = (place.run("-c", FIT, place.model, reserve).stdout.split() for reserve in (0, 100 << 20))
    assert everything == ["31", "31"]
    assert 0 < int(partly[0]) < 31
    place.empty()
    place.install(Plugin(name="small", memory=60 << 20))
    done = place.run("-m", "llamapack", "run", "-m", place.model, "hi")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "llamapack: 31 of 31 layers do not fit: Small0 would get 92 MiB of weights and has 60 MiB free.\n"
        'Use n_gpu_layers="fit", or a smaller number.\n'
    )


IMPORTING = "raise RuntimeError('no driver')\n"
NOTHING = "def describe():\n    return {}\n"
BROKEN = [
    pytest.param(Plugin(name="bad", fault="segv", at="load"), "crash", id="segv"),
    pytest.param(Plugin(name="bad", fault="ill", at="compute"), "crash", id="ill"),
    pytest.param(Plugin(name="bad", fault="abort", at="list"), "crash", id="abort"),
    pytest.param(Plugin(name="bad", fault="hang", at="compute"), "timeout", id="hang"),
    pytest.param(Plugin(name="bad", fault="exit", at="init"), "no answer", id="exit"),
    pytest.param(Plugin(name="bad", fault="garbage"), "nonsense", id="garbage"),
    pytest.param(Plugin(name="bad", scale=1.1), "wrong result", id="wrong-result"),
    pytest.param(Plugin(name="bad", version="99.0", pinned=False), "version", id="version"),
    pytest.param(Plugin(name="bad", stated_abi_id="deadbeef"), "abi id", id="stated-abi"),
    pytest.param(Plugin(name="bad", linked_abi_id="deadbeef"), "soname", id="soname"),
    pytest.param(Plugin(name="bad", exported_abi_id="deadbeef"), "exported id", id="exported-abi"),
    pytest.param(Plugin(name="bad", exported_abi_id=""), "missing symbol", id="no-exported-abi"),
    pytest.param(Plugin(name="bad", init=False), "missing symbol", id="no-init"),
    pytest.param(Plugin(name="bad", needs="libnowhere.so"), "missing library", id="missing-library"),
    pytest.param(Plugin(name="bad", without=("lib/libggml-bad.so",)), "missing file", id="missing-file"),
    pytest.param(Plugin(name="bad", source=IMPORTING), "import", id="import-error"),
    pytest.param(Plugin(name="bad", source=NOTHING), "wrong type", id="wrong-type"),
]


@pytest.mark.parametrize(("bad", "fault"), BROKEN)
def test_a_broken_plugin_is_told_and_a_working_one_beside_it_used(
    place: Place, likeliest: int, bad: Plugin, fault: str
) -> None:
    place.install(Plugin(), bad)
    status, report = place.doctor()
    backends = {backend["name"]: backend for backend in report["backends"]}
    assert (status, report["status"]) == (4, "degraded")
    assert (backends["bad"]["fault"], backends["bad"]["used"], backends["example"]["used"]) == (fault, False, True)
    assert undocumented(report) == set()
    assert "llamapack-bad" in backends["bad"]["reason"]
    assert backends["bad"]["remedy"]
    loaded = place.load()
    assert (loaded["devices"], loaded["likeliest"]) == (["Example0"], likeliest)
    (warning,) = loaded["warnings"]
    assert warning.startswith(f"bad: {backends['bad']['reason']}")


HARMFUL = [
    pytest.param("import os\nos._exit(0)\n", "no answer", "ended the process (exit status 0)", id="exit"),
    pytest.param("import time\ntime.sleep(600)\n", "timeout", "took longer than 15 s and was ended", id="sleep"),
    pytest.param(
        "import re\nre.match('(a+)+$', 'a' * 64 + 'b')  # one call, during which no other thread runs\n",
        "timeout",
        "took longer than 15 s and was ended",
        id="hold-the-interpreter",
    ),
    pytest.param("import ctypes\nctypes.string_at(0)\n", "crash", "crashed: SIGSEGV", id="crash"),
    pytest.param("import os\nos.abort()\n", "crash", "crashed: SIGABRT", id="abort"),
    pytest.param("def again(): again()\nagain()\n", "import", "RecursionError", id="recursion"),
]


@pytest.mark.parametrize(("source", "fault", "what"), HARMFUL)
def test_what_a_plugins_python_does_harms_nobody(
    place: Place, likeliest: int, source: str, fault: str, what: str
) -> None:
    place.install(Plugin(), Plugin(name="bad", source=source))
    status, report = place.doctor()
    bad = next(backend for backend in report["backends"] if backend["name"] == "bad")
    assert (status, report["status"], bad["fault"]) == (4, "degraded", fault)
    assert bad["reason"].startswith(f"llamapack-bad {place.core.version} is not used: ")
    assert what in bad["reason"]
    assert [device["name"] for device in report["choice"]["devices"]] == ["Example0"]
    assert undocumented(report) == set()
    loaded = place.load()
    assert (loaded["devices"], loaded["likeliest"]) == (["Example0"], likeliest)
    (warning,) = loaded["warnings"]
    assert warning.startswith(f"bad: {bad['reason']}")


CHANGING = """import os, signal, sys, threading, time
print("hello", flush=True)
open("litter", "w").close()
os.environ["LLAMAPACK_CPU"] = "none"
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.chdir("/")
os.umask(0)
sys.excepthook, sys.stdout = print, None
threading.Thread(target=time.sleep, args=(600,)).start()
"""
UNCHANGED = """
import json, os, signal, sys, threading
import llamapack

def state():
    mask = os.umask(0o22)
    os.umask(mask)
    names = sorted(name for name in sys.modules if name.startswith("llamapack_"))
    handler = signal.getsignal(signal.SIGINT)
    return [dict(os.environ), os.getcwd(), mask, names, handler, sys.excepthook, threading.active_count()]

before = state()
with llamapack.Model(sys.argv[1]) as model:
    devices = [device.name for device in model.offload.devices]
print(json.dumps([devices, state() == before]))
"""


def test_what_a_plugin_changes_and_prints_stays_in_its_own_process(place: Place) -> None:
    place.install(Plugin(source=CHANGING + DESCRIBE))
    for _ in ("asked", "remembered"):
        done = place.run("-c", UNCHANGED, place.model)
        assert (json.loads(done.stdout), done.stderr) == ([["Example0"], True], "")
    done = place.run("-m", "llamapack", "doctor", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"], done.stderr) == (0, "healthy", "")
    assert report["backends"][0]["output"].startswith("hello\n")
    answer = place.run("-m", "llamapack", "run", "-m", place.model, "--temp", "0", "-n", "2", "hi")
    assert (answer.returncode, "hello" in answer.stdout) == (0, False)
    assert not (place.folder / "litter").exists()


def test_a_plugin_that_floods_and_one_that_leaves_a_process_behind_are_used(place: Place, tmp_path: Path) -> None:
    place.install(Plugin(), Plugin(name="noisy", fault="flood"), Plugin(name="parent", fault="grandchild"))
    noted = tmp_path / "pid"
    status, report = place.doctor(LLAMAPACK_EXAMPLE_GRANDCHILD=str(noted), LLAMAPACK_EXAMPLE_SESSION="1")
    backends = {each["name"]: each for each in report["backends"]}
    assert (status, {each["status"] for each in backends.values()}, len(backends)) == (0, {"usable"}, 3)
    assert len(backends["noisy"]["output"]) == 8 << 10
    assert not lives(int(noted.read_text()))


def test_a_broken_plugin_alone_leaves_the_cpu_with_a_warning(place: Place, likeliest: int) -> None:
    place.install(Plugin(name="bad", fault="segv", at="load"))
    loaded = place.load()
    assert (loaded["devices"], loaded["likeliest"]) == ([], likeliest)
    assert loaded["warnings"][0].endswith("\nNo GPU is used; the model runs on the CPU.")
    required = place.run("-m", "llamapack", "run", "--require-gpu", "-m", place.model, "hi")
    assert (required.returncode, "SIGSEGV" in required.stderr) == (4, True)


def test_two_plugins_of_one_name_leave_the_official_one(place: Place) -> None:
    place.install(Plugin(), Plugin(package="other-example"))
    loaded = place.load()
    assert loaded["devices"] == ["Example0"]
    assert "other-example" in loaded["warnings"][0]


def test_one_device_through_two_backends_is_used_once(place: Place) -> None:
    gpu = "0000:01:00.0"
    place.install(Plugin(name="first", device_id=gpu), Plugin(name="second", device_id=gpu))
    status, report = place.doctor()
    assert (status, [device["name"] for device in report["choice"]["devices"]]) == (0, ["First0"])
    second = next(backend for backend in report["backends"] if backend["name"] == "second")
    assert [device["reason"] for device in second["devices"]] == ["It is used through first already."]
    assert place.load()["devices"] == ["First0"]


def test_a_plugin_without_a_device_is_a_warning(place: Place, likeliest: int) -> None:
    place.install(Plugin(devices=0))
    loaded = place.load()
    assert (loaded["devices"], loaded["likeliest"]) == ([], likeliest)
    (warning,) = loaded["warnings"]
    assert warning.startswith("No GPU is used; the model runs on the CPU.\nexample: llamapack-example ")


THREADS = """
import sys, threading
import llamapack

ready, found = threading.Barrier(4), []

def load():
    ready.wait()
    with llamapack.Model(sys.argv[1], n_gpu_layers=1) as model:
        found.append([device.name for device in model.offload.devices])

threads = [threading.Thread(target=load) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(found, len(llamapack.devices()))
"""


def test_threads_that_begin_at_once_load_a_backend_once(place: Place) -> None:
    place.install(Plugin())
    done = place.run("-c", THREADS, place.model)
    assert (done.stdout, done.stderr) == (f"{[['Example0']] * 4} 2\n", "")


def test_a_plugin_that_was_not_tried_is_used_all_the_same(place: Place) -> None:
    place.install(Plugin())
    folder = str(place.folder / "another-cache")
    assert place.load(LLAMAPACK_PROBE="never", LLAMAPACK_CACHE_DIR=folder)["devices"] == ["Example0"]


@pytest.mark.parametrize("same_version", [False, True], ids=["new-version", "same-version"])
def test_a_core_that_was_upgraded_alone_says_which_command_mends_it(
    wheel: Path, rebuilt: Path, model: Path, tmp_path: Path, likeliest: int, same_version: bool
) -> None:
    place = make_place(tmp_path, wheel, model)
    core = place.core
    place.install(Plugin())
    assert place.load()["devices"] == ["Example0"]
    version = core.version if same_version else next_version(core.version)
    upgrade = rebuilt if same_version else renamed(rebuilt, version, tmp_path)
    place.pip("install", "--no-deps", "--no-index", "--force-reinstall", upgrade)
    new = place.core.abi_id
    assert new != core.abi_id
    loaded = place.load()
    assert (loaded["devices"], loaded["likeliest"]) == ([], likeliest)
    mending = f'"llamapack-example=={version}"'
    if same_version:
        what = (
            f"example: llamapack-example {core.version} was built for ABI {core.abi_id}, but llamapack {version} has "
        )
        what += f"{new}; it is not used"
        mending = f'--force-reinstall --no-deps "llamapack=={version}" {mending}'
    else:
        what = f"example: llamapack-example {core.version} does not belong to llamapack {version}; it is not used"
    assert loaded["warnings"] == [
        f"{what}\nRun: python -m pip install {mending}\nNo GPU is used; the model runs on the CPU."
    ]
    status, report = place.doctor()
    assert (status, report["status"]) == (4, "degraded")
    assert report["backends"][0]["remedy"] == f"python -m pip install {mending}"
    place.install(Plugin())  # built for the new one
    assert place.load()["devices"] == ["Example0"]


def test_a_plugin_that_was_upgraded_alone_says_which_command_mends_it(place: Place, likeliest: int) -> None:
    place.install(Plugin(version="99.0"))
    loaded = place.load()
    assert (loaded["devices"], loaded["likeliest"]) == ([], likeliest)
    version = place.core.version
    assert loaded["warnings"] == [
        f"example: llamapack-example 99.0 does not belong to llamapack {version}; it is not used\n"
        f'Run: python -m pip install "llamapack-example=={version}"\n'
        "No GPU is used; the model runs on the CPU."
    ]
