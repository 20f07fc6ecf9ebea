"""The patches for threads: barriers in which they sleep, cores that contexts share, and numbers that stay the same."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from llamapack import Context, Model
from numpy.typing import NDArray

from tests.support.children import python
from tests.support.native_programs import upstream_file
from tests.support.reference.made_models import write_model

CACHED = 700
"""Tokens in the cache: from 512 on, llama.cpp splits the attention of one token."""
FILE = "ggml/src/ggml-cpu/ggml-cpu.c"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(write_model(tmp_path_factory.mktemp("made") / "model.gguf", "llama"))


def logits(model: Model, n_threads: int, count: int = 4) -> list[NDArray[np.float32]]:
    """Return the numbers after each of `count` single tokens that follow a long prompt."""
    found = []
    with Context(model, n_ctx=1024, n_threads=n_threads, flash_attention="on") as context:
        context.decode([1 + place % 30 for place in range(CACHED)])
        for token in range(count):
            context.decode([1 + token])
            found.append(context.outputs.logits())
    return found


def test_numbers_do_not_depend_on_the_threads(model: Model) -> None:
    one, two = logits(model, 1), logits(model, 2)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_contexts_at_once_compute_what_one_does_alone(model: Model) -> None:
    alone = logits(model, 2)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: logits(model, 2), range(4)):
            assert all(np.array_equal(a, b) for a, b in zip(alone, found, strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="switches of threads are counted in /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a graph gets two threads only where there are two processors")
def test_threads_sleep_in_barriers_when_they_have_one_core_together(model: Model) -> None:
    tasks = Path("/proc/self/task")
    before = set(tasks.iterdir())
    with Context(model, n_ctx=256, n_threads=2) as context:
        (worker,) = set(tasks.iterdir()) - before
        context.decode([1])  # llama.cpp counts the processors
        everyone, allowed = [int(task.name) for task in tasks.iterdir()], os.sched_getaffinity(0)
        core = {min(allowed)}
        try:
            for task in everyone:
                os.sched_setaffinity(task, core)
            until = time.monotonic() + 60  # beside other programs, a graph may have one thread for some seconds
            while sleeps(worker, context) <= 4:  # without the patch, once between tokens
                assert time.monotonic() < until
        finally:
            for task in everyone:
                os.sched_setaffinity(task, allowed)


def sleeps(task: Path, context: Context) -> int:
    """Return how often a thread gives up its core to wait while a token is read."""
    context.memory.clear()
    before = switches(task)
    context.decode([1])
    return switches(task) - before


NEIGHBOUR = r"""
import os, subprocess, sys, time
from pathlib import Path
from llamapack import Context, Model

cores = sorted(os.sched_getaffinity(0))[:2]
os.sched_setaffinity(0, cores)  # before llama.cpp counts them
tasks = Path("/proc/self/task")
before = set(tasks.iterdir())
with Model(sys.argv[1]) as model, Context(model, n_ctx=256, n_threads=2) as context:
    (worker,) = set(tasks.iterdir()) - before

    def rest(until):
        "Return whether the worker does nothing for ten tokens in turn, before `until`."
        used, idle = -1, 0
        while idle < 10 and time.monotonic() < until:
            context.memory.clear()
            context.decode([1 + place % 30 for place in range(64)])
            now = int((worker / "schedstat").read_text().split()[0])
            used, idle = now, idle + 1 if now == used else 0
        return idle == 10

    code = f"import os; os.sched_setaffinity(0, [{cores[0]}])\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code]) as neighbour:
        print(rest(time.monotonic() + 60))
        neighbour.kill()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the time of threads is read in /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a graph gets two threads only where there are two processors")
def test_a_processor_that_another_program_keeps_busy_is_left_out(model: Model) -> None:
    done = python(NEIGHBOUR, model.path)
    assert (done.status, done.out.splitlines()) == (0, ["True"]), done.err


def switches(task: Path) -> int:
    """Return how often a thread has given up its core to wait."""
    lines = (task / "status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("voluntary_ctxt_switches")))


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (FILE, b"ggml_cond_wait(&tp->barrier_cond"),
        ("ggml/src/ggml-cpu/ops.cpp", b"GGML_FA_DECODE_KV_CHUNK"),
        ("ggml/src/ggml-cpu/ggml-cpu.cpp", b"ggml_cpu_share"),
        ("ggml/src/ggml-cpu/ggml-cpu.cpp", b"ggml_cpu_note_lost"),
    ],
)
def test_upstream_still_needs_the_patches(file: str, line: bytes) -> None:
    assert line in upstream_file("patched", file)
    assert line not in upstream_file("upstream", file)
