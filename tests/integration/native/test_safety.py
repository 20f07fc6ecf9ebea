"""What a program cannot do to itself: threads, signals, callbacks, forks, and objects at their end."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llamapack
import pytest
from llamapack._native.owner import Lifetime
from llamapack.errors import CancelledError, ClosedError, ThreadError

from tests.support.children import python
from tests.support.small_contexts import TOKENS, Made, context

# Long enough for anything to happen meanwhile: seconds even on a fast machine.
LONG = [token % 1000 + 100 for token in range(3000)]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def long_context(model: llamapack.Model, **options: Any) -> llamapack.Context:
    return llamapack.Context(model, **{"n_ctx": 3072, "n_batch": 3072, "n_ubatch": 64, "n_threads": 1, **options})


@contextmanager
def reading(place: llamapack.Context) -> Iterator[list[BaseException]]:
    """Have another thread read a long text; the block begins when it computes, and its errors are collected."""
    caught: list[BaseException] = []

    def read() -> None:
        try:
            place.decode(LONG)
        except llamapack.LlamapackError as error:
            caught.append(error)

    thread = threading.Thread(target=read, name="reader")
    thread.start()
    while place.exclusive()._user is None and thread.is_alive():
        time.sleep(0.001)
    try:
        yield caught
    finally:
        place.cancel()
        thread.join()


def test_other_threads_run_while_llama_cpp_computes(model: llamapack.Model) -> None:
    steps, stop = 0, threading.Event()

    def count() -> None:
        nonlocal steps
        while not stop.wait(0.001):
            steps += 1

    thread = threading.Thread(target=count)
    with long_context(model, n_batch=256, n_ubatch=256) as place:
        thread.start()
        before = steps
        place.decode(LONG[:256])
        after = steps
    stop.set()
    thread.join()
    assert after - before > 20


def test_another_thread_can_stop_a_running_call(model: llamapack.Model) -> None:
    with long_context(model) as place:
        with reading(place) as caught:
            time.sleep(0.2)
            began = time.monotonic()
            place.cancel()
            while not caught:
                time.sleep(0.001)
            assert time.monotonic() - began < 2
        assert [str(error) for error in caught] == ["The computation was cancelled."]
        assert place.n_used < len(LONG)
        assert place.n_used % 64 == 0


def test_cancelling_stops_the_next_call_where_none_is_running(made: Made) -> None:
    with context(made("llama")) as place:
        place.cancel()
        with pytest.raises(CancelledError, match=r"^The computation was cancelled\.$"):
            place.decode([1])
        assert place.n_used == 0
        place.decode([1])
        assert place.n_used == 1


def test_a_cancelled_text_can_be_gone_on_with(made: Made) -> None:
    with context(made("llama")) as place, context(made("llama")) as other:
        for each in (place, other):
            each.decode(TOKENS[:5])
        place.cancel()
        with pytest.raises(CancelledError):
            place.decode(TOKENS[5:])
        for each in (place, other):
            each.decode(TOKENS[5:])
        assert (place.outputs.logits() == other.outputs.logits()).all()


@pytest.mark.parametrize("use", ["decode", "memory", "outputs", "state", "adapters", "n_used", "close"])
def test_a_second_thread_is_refused_whatever_it_wants(model: llamapack.Model, use: str) -> None:
    wants: dict[str, Callable[[llamapack.Context], object]] = {
        "decode": lambda place: place.decode([1]),
        "memory": lambda place: place.memory.remove(0),
        "outputs": lambda place: place.outputs.logits(),
        "state": lambda place: place.state.to_bytes(),
        "adapters": lambda place: place.adapters.set_loras(),
        "n_used": lambda place: place.n_used,
        "close": lambda place: place.close(),
    }
    with long_context(model) as place, reading(place):
        with pytest.raises(ThreadError) as caught:
            wants[use](place)
        assert caught.value.what == (
            "The thread 'MainThread' cannot use this context: the thread 'reader' is using it."
        )
        assert not place.closed


def test_a_model_that_is_in_use_is_not_closed(model_path: Path) -> None:
    model = llamapack.Model(model_path)
    idle, busy = context(model), long_context(model)
    with reading(busy), pytest.raises(ThreadError, match="the thread 'reader' is using it"):
        model.close()
    assert (model.closed, idle.closed, busy.closed) == (False, False, False)
    model.close()
    assert (model.closed, idle.closed, busy.closed) == (True, True, True)


def test_an_abort_callback_can_stop_a_call(model: llamapack.Model) -> None:
    asked: list[str] = []

    def abort() -> bool:
        asked.append(threading.current_thread().name)
        return len(asked) > 2

    with long_context(model, abort=abort) as place:
        with pytest.raises(CancelledError, match=r"^The computation was stopped by the abort callback\.$"):
            place.decode(LONG)
        assert asked == ["MainThread"] * 3
        assert 0 <= place.n_used < len(LONG)


def test_what_an_abort_callback_raises_comes_out_of_the_call(model: llamapack.Model) -> None:
    def abort() -> bool:
        raise KeyError("from the callback")

    with long_context(model, abort=abort) as place:
        with pytest.raises(KeyError, match="from the callback"):
            place.decode(LONG)
        assert place.n_used < len(LONG)


def test_a_callback_cannot_use_the_context_that_waits_for_it(model: llamapack.Model) -> None:
    places: list[llamapack.Context] = []
    with long_context(model, abort=lambda: places[0].clear()) as place:
        places.append(place)
        with pytest.raises(ThreadError, match=r"^A callback in the thread 'MainThread' cannot use this context"):
            place.decode(LONG)


def test_ctrl_c_stops_a_running_call(model: llamapack.Model) -> None:
    with long_context(model) as place:
        for _ in range(2):
            timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
            timer.start()
            began = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                place.decode(LONG[: 3000 - place.n_used])
            assert time.monotonic() - began < 3
            timer.join()
        assert place.n_used < len(LONG)
        place.memory.clear()
        place.decode([1])


@pytest.mark.skipif(sys.platform == "win32", reason="the signal is sent to a process")
def test_ctrl_c_while_a_model_is_loaded_is_not_lost(model_path: Path) -> None:
    code = """
import os, signal, sys, llamapack
def progress(part):
    if part > 0.2 and not sent:
        sent.append(part)
        os.kill(os.getpid(), signal.SIGINT)
sent = []
try:
    llamapack.Model(sys.argv[1], use_mmap=False, progress=progress)
except KeyboardInterrupt:
    print("interrupted", sent[0] < 1)
"""
    answer = python(code, model_path)
    assert (answer.status, answer.out, answer.err) == (0, "interrupted True\n", "")


def test_closed_objects_refuse_everything_and_close_again(made_path: Callable[[str], Path]) -> None:
    model = llamapack.Model(made_path("llama"))
    place = context(model)
    place.decode(TOKENS)
    memory, state, outputs, adapters = place.memory, place.state, place.outputs, place.adapters
    data = state.to_bytes()
    place.close()
    uses: tuple[Callable[[], object], ...] = (
        lambda: place.decode([1]),
        lambda: place.clear(),
        lambda: place.cancel(),
        lambda: place.set_threads(1),
        lambda: place.n_ctx,
        lambda: place.n_used,
        lambda: memory.bounds(),
        lambda: memory.remove(),
        lambda: outputs.logits(),
        lambda: state.to_bytes(),
        lambda: state.from_bytes(data),
        lambda: adapters.set_loras(),
        lambda: adapters.set_control(),
    )
    for use in uses:
        with pytest.raises(ClosedError, match=r"^This context is closed\.\nMake a new context, or close it later\.$"):
            use()
    for _ in range(2):
        place.close()
        model.close()


def test_children_keep_their_parents_alive(made_path: Callable[[str], Path]) -> None:
    place = context(llamapack.Model(made_path("llama")))
    lifetime = place.model.lifetime
    memory = place.memory
    del place
    gc.collect()
    assert memory.bounds() is None
    assert not lifetime._freed
    del memory
    gc.collect()
    assert lifetime._freed


def test_nothing_that_was_used_is_kept_by_itself(made_path: Callable[[str], Path]) -> None:
    model = llamapack.Model(made_path("llama"))
    places: list[llamapack.Context] = []
    places.append(context(model, abort=lambda: places[0].closed))
    places[0].decode(TOKENS)
    places[0].adapters.set_loras()
    parts = [places[0].memory, places[0].state, model.vocab, model.metadata]
    lifetimes: list[Lifetime[Any]] = [model.lifetime, places[0].lifetime]
    del model
    places.clear()
    parts.clear()
    gc.collect()
    assert [lifetime._freed for lifetime in lifetimes] == [True, True]


FORK = """
import os, sys, llamapack
from llamapack.errors import LlamapackError
def tokens(place):
    place.decode([5, 6, 7])
    return int(place.outputs.logits().argmax())
model = llamapack.Model(sys.argv[1])
place = llamapack.Context(model, n_ctx=256, n_threads=2)
view = place.outputs
first = tokens(place)
sys.stdout.flush()
child = os.fork()
if child == 0:
    for use in (lambda: place.decode([1]), lambda: model.n_layer, lambda: llamapack.Context(model), view.logits):
        try:
            use()
        except LlamapackError as error:
            print(type(error).__name__, str(error).splitlines()[0])
    place.close()
    model.close()
    with llamapack.Model(sys.argv[1]) as again, llamapack.Context(again, n_ctx=256, n_threads=2) as new:
        print(tokens(new) == first)
    sys.exit(0)
_, status = os.waitpid(child, 0)
place.clear()
print("parent", os.waitstatus_to_exitcode(status), tokens(place) == first)
"""


@needs_fork
def test_a_forked_child_cannot_use_what_was_made_before_but_new_objects(made_path: Callable[[str], Path]) -> None:
    answer = python(FORK, made_path("llama"), PYTHONWARNINGS="ignore")
    refused = "was made before the process forked, and cannot be used in the child."
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        f"StateError This context {refused}",
        f"StateError This model {refused}",
        f"StateError This model {refused}",
        f"StateError This context {refused}",
        "True",
        "parent 0 True",
    ]


@needs_fork
def test_a_pool_of_forked_workers_loads_its_own_models(made_path: Callable[[str], Path]) -> None:
    code = """
import multiprocessing, sys, llamapack
model = llamapack.Model(sys.argv[1])
def work(token):
    with llamapack.Model(sys.argv[1]) as own, llamapack.Context(own, n_ctx=256, n_threads=1) as place:
        place.decode([token])
        return int(place.outputs.logits().argmax())
with multiprocessing.get_context("fork").Pool(2) as pool:
    found = pool.map(work, [3, 4, 5, 6])
with llamapack.Context(model, n_ctx=256, n_threads=1) as place:
    for token, answer in zip([3, 4, 5, 6], found):
        place.clear()
        place.decode([token])
        assert int(place.outputs.logits().argmax()) == answer
print("equal")
"""
    answer = python(code, made_path("llama"), PYTHONWARNINGS="ignore")
    assert (answer.status, answer.out, answer.err) == (0, "equal\n", "")


BUSY = (
    "import threading, time\n"
    "long = llamapack.Context(model, n_ctx=3072, n_batch=3072, n_threads=1, abort={abort})\n"
    "threading.Thread(target=lambda: long.decode([5] * 3000), daemon=True).start()\n"
    "time.sleep(0.3)"
)
EXITS = {
    "everything open": "keep = (model, place, sampler, place.outputs.logits(copy=False), place.memory)",
    "a view alone": "view = place.outputs.logits(copy=False); place.close(); model.close(); del place, model",
    "a running generation": "generation = llamapack.generate(model, 'Once', max_tokens=99); next(generation)",
    "a daemon thread that computes": BUSY.format(abort=None),
    "a daemon thread that is asked": BUSY.format(abort="lambda: None"),
    "a daemon thread that loads": (
        "import threading, time\n"
        "load = lambda: [llamapack.Model(sys.argv[1], use_mmap=False) for _ in range(99)]\n"
        "threading.Thread(target=load, daemon=True).start()\n"
        "time.sleep(0.3)"
    ),
    "a daemon thread that quantizes": (
        "import tempfile, threading, time\n"
        "from llamapack.quantization import quantize\n"
        "folder = tempfile.TemporaryDirectory()\n"
        "work = lambda: quantize(sys.argv[1], folder.name + '/q.gguf', 'Q2_K', allow_requantize=True, n_threads=1)\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "time.sleep(0.5)"
    ),
    "a long text": "import atexit; atexit.register(model.vocab.tokenize, 'ha ' * 2**17)",
    "a cycle": "place.me = place; model.place = place",
    "an exception": "raise SystemExit(0)",
}


@pytest.mark.parametrize("name", EXITS)
def test_the_interpreter_exits_in_peace(model_path: Path, name: str) -> None:
    code = f"""
import logging, sys, llamapack
logging.basicConfig(level=logging.DEBUG, filename=sys.argv[2])
model = llamapack.Model(sys.argv[1])
place = llamapack.Context(model, n_ctx=256, n_threads=2)
place.decode([5, 6, 7])
sampler = llamapack.Sampler.greedy()
print("begin", flush=True)
{EXITS[name]}
"""
    answer = python(code, model_path, os.devnull)
    assert (answer.status, answer.out, answer.err) == (0, "begin\n", "")


def test_a_generation_can_be_cancelled_between_tokens(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as place:
        generation = llamapack.generate(model, "Once upon a time", context=place, temperature=0)
        next(generation)
        place.cancel()
        with pytest.raises(CancelledError):
            list(generation)


def test_a_context_can_move_between_threads_one_after_the_other(made: Made) -> None:
    with context(made("llama")) as place:
        for token in TOKENS:
            thread = threading.Thread(target=place.decode, args=([token],))
            thread.start()
            thread.join()
        assert place.n_used == len(TOKENS)


def test_threads_with_contexts_of_their_own_share_a_model(made: Made) -> None:
    model, found = made("llama"), dict[int, Any]()

    def work(number: int) -> None:
        with context(model) as place:
            for _ in range(20):
                place.clear()
                place.decode(TOKENS)
            found[number] = place.outputs.logits()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((found[number] == found[0]).all() for number in range(4))
