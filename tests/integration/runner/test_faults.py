"""A runner that ends, hangs or cannot be started again: an exception with the reason, and the next call works."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from llamapack import Llama
from llamapack.errors import (
    CancelledError,
    ClosedError,
    InputError,
    ModelError,
    ModelFormatError,
    RequestError,
    RunnerError,
    StateError,
)
from llamapack.runner import Runner, runner_path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")
LONG = {"prompt": "One, two,", "n_predict": 100_000, "ignore_eos": True, "stream": True}


others: set[int] = set()
"""Runners of models that tests share."""


@pytest.fixture(autouse=True)
def note_others() -> None:
    others.clear()
    others.update(processes())


def processes() -> list[int]:
    """Return the runners that are children of this process, without those of other tests."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text(encoding="utf-8", errors="replace").partition(") ")
            state, father = rest.split()[:2]
            if "(llamapack-runne" in name and int(father) == os.getpid() and state != "Z":
                found.append(int(stat.parent.name))
    return [each for each in found if each not in others]


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def load(path: Path, **options: Any) -> Runner:
    small: dict[str, Any] = {"ctx_size": 512, "parallel": 2, "threads": 1, "context_shift": True}
    return Runner(path, **{**small, **options})


@pytest.fixture
def runner(model_path: Path) -> Iterator[Runner]:
    with contextlib.closing(load(model_path)) as runner:
        yield runner
    assert processes() == []


def kill(runner: Runner, number: int) -> None:
    assert runner.pid is not None
    os.kill(runner.pid, number)


def kill_and_wait(runner: Runner) -> None:
    kill(runner, signal.SIGKILL)
    wait_until(lambda: runner.pid is None)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_crash_is_an_exception_and_the_next_call_works(runner: Runner, name: str) -> None:
    number = getattr(signal, name)
    stream = runner.request("POST", "/completion", LONG)
    pieces = iter(stream)
    next(pieces)
    kill(runner, number)
    with pytest.raises(RunnerError, match=f"was ended by {name}.* while it was working on a request") as caught:
        list(pieces)
    assert caught.value.status == -number
    assert stream.closed
    assert runner.request("GET", "/health").status == 200


def test_answers_are_those_of_an_engine(runner: Runner) -> None:
    body = {**LONG, "n_predict": 5, "temperature": 0}
    texts = [event.json()["content"] for event in runner.request("POST", "/completion", body).events()]

    async def ask() -> tuple[list[str], str]:
        stream = await runner.request_async("POST", "/completion", body)
        pieces = [event.json()["content"] async for event in stream.events()]
        whole = await (await runner.request_async("POST", "/completion", {**body, "stream": False})).json()
        return pieces, whole["content"]

    assert asyncio.run(ask()) == (texts, "".join(texts))
    with pytest.raises(RequestError, match="status 404"):
        runner.request("POST", "/nowhere", {}).json()
    with pytest.raises(RequestError, match="there is no sampler `nope`"):
        runner.request("POST", "/completion", {"prompt": "a", "samplers": ["nope"]}).json()
    nested = "[" * 5000 + "]" * 5000
    assert runner.request("POST", "/completion", nested).status == 400
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/a"}}]}]
    with pytest.raises(RequestError, match="an engine loads nothing from the network"):
        runner.request("POST", "/v1/chat/completions", {"messages": picture}).json()


def test_a_crash_between_calls_is_not_noticed(runner: Runner) -> None:
    before = runner.pid
    kill_and_wait(runner)
    assert runner.request("GET", "/health").status == 200
    assert runner.pid not in (None, before)


def test_tasks_of_asyncio_get_the_exception_too(runner: Runner) -> None:
    async def ask() -> int:
        stream = await runner.request_async("POST", "/completion", LONG)
        await anext(pieces := aiter(stream))
        kill(runner, signal.SIGKILL)
        with pytest.raises(RunnerError, match="SIGKILL"):
            [piece async for piece in pieces]
        return (await runner.request_async("GET", "/health")).status

    assert asyncio.run(ask()) == 200


def test_llama_goes_on_after_a_crash(model_path: Path) -> None:
    with Llama(model_path, isolate=True, ctx_size=512, parallel=1, threads=1) as llm:
        before = llm("Say hello.", max_tokens=5, temperature=0).text
        (process,) = processes()
        pieces = iter(llm.stream("Count to a thousand", max_tokens=400))
        next(pieces)
        os.kill(process, signal.SIGKILL)
        with pytest.raises(RunnerError, match="SIGKILL"):
            list(pieces)
        assert llm("Say hello.", max_tokens=5, temperature=0).text == before
        (second,) = processes()
        assert second != process
    assert processes() == []


def test_many_threads_start_it_once(runner: Runner) -> None:
    def ask(number: int) -> str:
        try:
            body = {"prompt": str(number), "n_predict": 50, "ignore_eos": True}
            return str(runner.request("POST", "/completion", body).status)
        except RunnerError as error:
            return str(error.status)

    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(ask, number) for number in range(8)]
        time.sleep(0.2)
        kill(runner, signal.SIGKILL)
        assert {each.result() for each in first} <= {"200", "-9"}
        assert {pool.submit(ask, number).result() for number in range(8)} == {"200"}
    assert processes() == [runner.pid]


def test_one_that_hangs_is_closed(runner: Runner) -> None:
    kill(runner, signal.SIGSTOP)
    response = runner.request("POST", "/completion", LONG)
    threading.Timer(0.2, runner.close).start()
    with pytest.raises(CancelledError):
        response.read()
    wait_until(lambda: processes() == [])
    with pytest.raises(ClosedError):
        runner.request("GET", "/health")


def test_a_model_that_is_gone_is_an_error_until_it_is_back(model_path: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    shutil.copy(model_path, model)
    with contextlib.closing(load(model)) as runner:
        model.rename(tmp_path / "elsewhere")
        kill_and_wait(runner)
        for _ in range(2):
            with pytest.raises(ModelError, match="model"):
                runner.request("GET", "/health")
            assert processes() == []
        (tmp_path / "elsewhere").rename(model)
        assert runner.request("GET", "/health").status == 200


@pytest.mark.parametrize("name", ["short", "long" * 25])
def test_a_runner_ends_with_a_parent_that_is_killed(tiny: Path, name: str) -> None:
    code = f"""
import sys, time
from llamapack.runner import Runner
runner = Runner({str(tiny)!r}, threads=1)
print(runner.pid, flush=True)
time.sleep(100)
"""
    folder = Path(tempfile.mkdtemp(suffix=name))  # tmp_path may be too long for a socket
    variables = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=variables) as parent:
        assert parent.stdout is not None
        process = Path("/proc") / parent.stdout.readline().strip()
        assert process.exists()
        parent.kill()
    wait_until(lambda: not process.exists() or ") Z" in (process / "stat").read_text(encoding="utf-8"))
    wait_until(lambda: not list(folder.glob("llamapack-runner-*")))
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "before",
    [
        "os.environ['TMPDIR'] = tempfile.mkdtemp(prefix='long' * 30, dir='.')",
        "os.environ.pop('HOME', None); os.environ['PATH'] = ''",
        "os.close(0)",
        "os.close(0); os.close(1)",
        "os.environ['LLAMA_ARG_CTX_SIZE'] = os.environ['LLAMA_ARG_PORT'] = '5'",
        "os.environ['LD_LIBRARY_PATH'] = '.'",
        "os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    ],
)
def test_where_it_is_started_does_not_matter(tiny: Path, tmp_path: Path, before: str) -> None:
    model = tmp_path / "a folder, größer ☃ 'quoted'" / "model.gguf"
    model.parent.mkdir()
    shutil.copy(tiny, model)
    for library in Path(runner_path()).parent.glob("lib*"):
        (tmp_path / library.name).write_bytes(b"not a library")
    (tmp_path / "answer").touch()
    code = f"""
import os, resource, signal, sys, tempfile
from pathlib import Path
answer = open({str(tmp_path / "answer")!r}, "w")
{before}
from llamapack.runner import Runner
with Runner({str(model)!r}, threads=1, parallel=1, ctx_size=64) as runner:
    with runner.request("POST", "/completion", {{"prompt": "a", "n_predict": 1}}) as response:
        answer.write(str(response.status))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ((tmp_path / "answer").read_text(encoding="utf-8"), done.returncode) == ("200", 0), done.stderr


def test_too_few_descriptors_are_an_exception(tiny: Path) -> None:
    code = f"""
import os, resource
from llamapack.errors import LlamapackError
from llamapack.runner import Runner
runner = Runner({str(tiny)!r}, threads=1)
os.kill(runner.pid, 9)
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 1,) * 2)
try:
    while True:
        runner.request("GET", "/health")
except (LlamapackError, OSError) as error:
    print(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "RunnerError\n", done.stderr


def test_one_that_is_asked_to_end_by_another_program_is_replaced(runner: Runner) -> None:
    before = runner.pid
    stream = runner.request("POST", "/completion", LONG)
    next(iter(stream))
    kill(runner, signal.SIGTERM)
    wait_until(lambda: runner.request("GET", "/health").status == 200 and runner.pid != before)
    with pytest.raises(RunnerError):
        stream.read()


def test_a_forked_process_leaves_it_alone(runner: Runner) -> None:
    def use() -> None:
        try:
            runner.request("GET", "/health")
        except StateError:
            runner.close()
            os._exit(7)

    process = multiprocessing.get_context("fork").Process(target=use)
    process.start()
    process.join()
    assert process.exitcode == 7
    assert runner.request("GET", "/health").status == 200


def test_nothing_is_left_when_it_is_dropped(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    folder = Path(tempfile.mkdtemp(prefix="own"))  # names of sockets have to be short
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for _ in range(5):
        runner = load(tiny, ctx_size=64)
        assert runner.request("GET", "/health").status == 200
        del runner
    wait_until(lambda: processes() == [])
    folder.rmdir()  # it is empty
    wait_until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)


def test_a_cancelled_request_frees_its_slot(runner: Runner) -> None:
    waiting = runner.request("POST", "/completion", {**LONG, "stream": False})
    stream = runner.request("POST", "/completion", LONG)
    next(iter(stream))
    stream.close()
    threading.Timer(0.2, waiting.cancel).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        waiting.read()
    assert time.monotonic() - began < 1

    def is_idle() -> bool:
        return not any(slot["is_processing"] for slot in runner.request("GET", "/slots").json())

    wait_until(is_idle, seconds=1)


def test_loading_is_told_and_can_be_stopped(model_path: Path) -> None:
    parts: list[float] = []
    load(model_path, progress=parts.append).close()
    assert parts == sorted(parts)
    assert parts[-1] == 1
    with pytest.raises(CancelledError, match="was stopped by the progress callback at"):
        load(model_path, progress=lambda part: False)
    with pytest.raises(ZeroDivisionError):
        load(model_path, progress=lambda part: bool(1 / 0))
    assert processes() == []


def test_errors_of_loading_are_those_of_an_engine(model_path: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model_path.read_bytes()[:-1000])
    with pytest.raises(ModelFormatError):
        load(cut)
    with pytest.raises(InputError, match="There is no engine option 'ctx_sizes'"):
        load(model_path, ctx_sizes=3)
    with pytest.raises(InputError, match="The engine cannot be made"):
        load(model_path, override_tensor="nothing")
    assert processes() == []
