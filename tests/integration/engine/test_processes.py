"""What concerns a whole process: signals, fork, exit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.children import Answer, python

BEGIN = """
import os, signal, sys, threading, time
from llamapack.engine import Engine
long = {"prompt": "One, two,", "n_predict": 100000, "ignore_eos": True, "stream": True}
def make(): return Engine(sys.argv[1], ctx_size=512, parallel=2, threads=1, warmup=False, context_shift=True)
"""


def child(code: str, model_path: Path) -> Answer:
    return python(BEGIN + code, model_path)


INTERRUPTED = (
    BEGIN
    + """
signal.signal(signal.SIGINT, signal.default_int_handler)
engine = make()
before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
try:
    with engine.request("POST", "/completion", long) as stream:
        for piece in stream:
            print("piece", flush=True)
except KeyboardInterrupt:
    print("interrupted", stream.closed)
while any(slot["is_processing"] for slot in engine.request("GET", "/slots").json()):
    time.sleep(0.01)
assert before == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
print("free")
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="a child of its own group gets no Ctrl-C there")
def test_ctrl_c_ends_the_request_and_not_the_engine(model_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, model_path],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "piece\n"
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert [line for line in rest.splitlines() if line != "piece"] == ["interrupted True", "free"]
    assert process.returncode == 0


WAITING = """
signal.signal(signal.SIGINT, signal.default_int_handler)
engine = make()
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
response = engine.request("POST", "/completion", {**long, "stream": False})
try:
    while True:
        response.read()
except KeyboardInterrupt:
    print("interrupted", response.closed)
while any(slot["is_processing"] for slot in engine.request("GET", "/slots").json()):
    time.sleep(0.01)
print("free")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")
def test_ctrl_c_ends_waiting_for_an_answer(model_path: Path) -> None:
    answer = child(WAITING, model_path)
    assert (answer.status, answer.out) == (0, "interrupted True\nfree\n"), answer.err


LOADING = """
signal.signal(signal.SIGINT, signal.default_int_handler)
def interrupt(part):
    os.kill(os.getpid(), signal.SIGINT)
try:
    Engine(sys.argv[1], progress=interrupt)
except KeyboardInterrupt:
    print("interrupted")
with make() as engine:
    print(engine.request("GET", "/health").status)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")
def test_ctrl_c_stops_loading(model_path: Path) -> None:
    answer = child(LOADING, model_path)
    assert (answer.status, answer.out) == (0, "interrupted\n200\n"), answer.err


EXITS = {
    "at the end": """
engine = make(); stream = engine.request('POST', '/completion', long)
next(iter(stream)); print('end')
""",
    "by sys.exit": """
engine = make(); stream = engine.request('POST', '/completion', long)
print('end'); sys.exit()
""",
    "with a daemon thread that reads": """
engine = make(); stream = engine.request('POST', '/completion', long)
threading.Thread(target=stream.read, daemon=True).start()
time.sleep(0.2); print('end')
""",
    "with a task that waits": """
import asyncio
engine = make()
async def main():
    response = await engine.request_async('POST', '/completion', long)
    task = asyncio.create_task(response.read())
    await asyncio.sleep(0.1)
    print('end')
asyncio.run(main())
""",
    "in a cycle": """
engine = make(); stream = engine.request('POST', '/completion', long)
engine.me = engine; stream.engine = engine
del engine, stream
print('end')
""",
}


@pytest.mark.parametrize("how", EXITS)
def test_the_interpreter_exits_with_requests_under_way(model_path: Path, how: str) -> None:
    answer = child(EXITS[how], model_path)
    assert (answer.status, answer.out, answer.err) == (0, "end\n", "")


FORK = """
from llamapack.errors import StateError
engine = make()
stream = engine.request("POST", "/completion", long)
next(iter(stream))
child = os.fork()
if child == 0:
    for use in (lambda: engine.request("GET", "/health"), stream.read, stream.cancel):
        try:
            use()
        except StateError as error:
            print("child:", error.what.split(",")[0], flush=True)
    engine.close()
    with make() as own:
        print("child:", own.request("GET", "/health").status, flush=True)
    os._exit(0)
print("parent:", os.waitpid(child, 0)[1])
stream.close()
print("parent:", engine.request("GET", "/health").status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process")
def test_an_engine_stays_with_the_process_that_made_it(model_path: Path) -> None:
    answer = child(FORK, model_path)
    assert answer.status == 0, answer.err
    refused = "child: This {} was made before the process forked"
    kinds = [refused.format(kind) for kind in ("engine", "response", "response")]
    assert answer.out.splitlines() == [*kinds, "child: 200", "parent: 0", "parent: 200"]


DROPPED = """
import gc
engine = make()
stream = engine.request("POST", "/completion", long)
next(iter(stream))
del engine
assert next(iter(stream))  # it keeps its engine
del stream
gc.collect()
with open("/proc/self/status") as file:
    print([line.split()[1] for line in file if line.startswith("Threads")])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it counts threads in /proc")
def test_a_response_keeps_its_engine_and_dropping_both_ends_all_threads(model_path: Path) -> None:
    answer = child(DROPPED, model_path)
    assert (answer.status, answer.out) == (0, "['1']\n"), answer.err


LITTLE_MEMORY = """
import resource
from llamapack.errors import ModelError
make().close()  # so that all libraries are there
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
try:
    Engine(sys.argv[1], ctx_size=200_000, parallel=1, threads=1, warmup=False, fit=False)
except ModelError as error:
    print(bool(error.why))
with make() as engine:
    print(engine.request("GET", "/health").status)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux' means")
def test_memory_that_the_system_refuses_is_an_error(model_path: Path) -> None:
    answer = child(LITTLE_MEMORY, model_path)
    assert (answer.status, answer.out) == (0, "True\n200\n"), answer.err


LOCALE = """
import locale
for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"):
    try:
        locale.setlocale(locale.LC_ALL, name)
        break
    except locale.Error:
        pass
before = locale.setlocale(locale.LC_ALL)
with Engine(sys.argv[1], ctx_size=64, temp=0.25, warmup=False) as engine:
    settings = engine.request("GET", "/props").json()["default_generation_settings"]["params"]
    assert locale.setlocale(locale.LC_ALL) == before
print(settings["temperature"], settings["min_p"] > 0.04)
"""


def test_the_locale_of_the_process_counts_for_nothing_and_stays(model_path: Path) -> None:
    answer = child(LOCALE, model_path)
    assert (answer.status, answer.out) == (0, "0.25 True\n"), answer.err


TERMINATED = """
engine = make()
if "handler" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
stream = engine.request("POST", "/completion", long)
for piece in stream:
    print("piece", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM there")
@pytest.mark.parametrize("handler", [False, True], ids=["without a handler", "with one that exits"])
def test_sigterm_ends_the_process_as_it_would_any(model_path: Path, handler: bool) -> None:
    code = [sys.executable, "-c", BEGIN + TERMINATED, str(model_path), *(["handler"] if handler else [])]
    with subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "piece\n"
        process.terminate()
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == ((1, "ended\n") if handler else (-signal.SIGTERM, ""))


CALLBACK = """
from llamapack.errors import CancelledError, LlamapackError
def fail(part):
    raise ZeroDivisionError(part)
def half(part):
    return part < 0.5
for progress in (fail, half):
    try:
        Engine(sys.argv[1], ctx_size=64, warmup=False, progress=progress)
    except (ZeroDivisionError, CancelledError) as error:
        print(type(error).__name__)
with make() as engine:
    print(engine.request("GET", "/health").status)
"""


def test_a_callback_ends_loading_and_the_next_engine_works(model_path: Path) -> None:
    answer = child(CALLBACK, model_path)
    assert (answer.status, answer.out) == (0, "ZeroDivisionError\nCancelledError\n200\n"), answer.err


FILE_LOST = """
import pathlib, shutil
from llamapack.errors import LlamapackError
copy = pathlib.Path(sys.argv[2])
shutil.copy(sys.argv[1], copy)
def lose(part):
    if sys.argv[3] == "deleted":
        copy.unlink(missing_ok=True)
    else:
        os.truncate(copy, 3_000_000)
try:
    Engine(copy, ctx_size=512, parallel=1, threads=1, warmup=False, load_mode=sys.argv[4], progress=lose).close()
    print("loaded")
except LlamapackError as error:
    print(type(error).__name__)
with make() as engine:
    print(engine.request("GET", "/health").status)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
@pytest.mark.parametrize(("how", "mode"), [("deleted", "none"), ("deleted", "mmap"), ("cut", "none"), ("cut", "mmap")])
def test_a_model_lost_while_it_is_loaded_is_an_error(tmp_path: Path, model_path: Path, how: str, mode: str) -> None:
    answer = python(BEGIN + FILE_LOST, model_path, tmp_path / "copy.gguf", how, mode)
    assert (answer.status, answer.out) == (0, "ModelFormatError\n200\n"), answer.err
