"""A model that threads share: what one does, or ends, spoils nothing for the others."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import llamapack
import pytest
from llamapack.errors import ClosedError

from tests.support.children import python

CLOSED_MEANWHILE = """
import sys, threading, llamapack
text = "the quick brown fox " * 2000
def work(model):
    try:
        while True:
            tokens = model.vocab.tokenize(text)
            model.vocab.detokenize(tokens)
            model.n_embd, model.description, model.vocab.special
    except llamapack.errors.ClosedError:
        closed.append(True)
closed = []
for _ in range(8):
    model = llamapack.Model(sys.argv[1], vocab_only=True)
    threads = [threading.Thread(target=work, args=(model,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    threading.Event().wait(0.05)
    model.close()
    for thread in threads:
        thread.join()
print(len(closed))
"""


def test_a_model_closed_by_one_thread_is_closed_for_the_others_after_their_call(model_path: Path) -> None:
    answer = python(CLOSED_MEANWHILE, model_path)
    assert (answer.status, answer.out, answer.err) == (0, "16\n", "")


def test_threads_get_the_pieces_that_they_asked_for(model_path: Path) -> None:
    with llamapack.Model(model_path, vocab_only=True) as model:
        wanted = {token: model.vocab.piece(token, special=True) for token in range(4000)}
    wrong: list[int] = []
    interval = sys.getswitchinterval()
    with llamapack.Model(model_path, vocab_only=True) as model:

        def ask(first: int) -> None:
            for token in [*range(first, 4000), *range(first)]:
                if model.vocab.piece(token, special=True) != wanted[token]:
                    wrong.append(token)

        threads = [threading.Thread(target=ask, args=(number * 1000,)) for number in range(4)]
        sys.setswitchinterval(1e-6)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(interval)
    assert wrong == []


def test_what_is_remembered_of_tokens_goes_with_the_model(model_path: Path) -> None:
    model = llamapack.Model(model_path, vocab_only=True)
    vocab = model.vocab
    assert (vocab.piece(20), vocab.is_end(20)) == (vocab.piece(20), vocab.is_end(20))
    model.close()
    for use in (lambda: vocab.piece(20), lambda: vocab.is_end(20), lambda: len(vocab), lambda: vocab.tokenize("a")):
        with pytest.raises(ClosedError, match=r"^This model is closed\."):
            use()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_during_a_call_ends_at_once(model_path: Path) -> None:
    code = """
import os, sys, threading, time, llamapack
model = llamapack.Model(sys.argv[1])
place = llamapack.Context(model, n_ctx=3072, n_batch=3072, n_ubatch=64, n_threads=1)
def read():
    try:
        place.decode([5] * 3000)
    except llamapack.errors.CancelledError:
        pass
thread = threading.Thread(target=read)
thread.start()
while place.exclusive()._user is None:
    time.sleep(0.001)
time.sleep(0.1)
child = os.fork()
if child == 0:
    sys.exit(7)
began = time.monotonic()
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), time.monotonic() - began < 5)
place.cancel()
thread.join()
"""
    answer = python(code, model_path, PYTHONWARNINGS="ignore")
    assert (answer.status, answer.out, answer.err) == (0, "7 True\n", "")


def read_and(model: llamapack.Model, use: Callable[[llamapack.Context], object]) -> None:
    """Use a context that has read a token."""
    with llamapack.Context(model, n_ctx=256, n_threads=1) as place:
        place.decode([1])
        use(place)


WRONG: dict[str, Callable[[llamapack.Model], object]] = {
    "A text must be a str or bytes, not 5.": lambda model: model.vocab.tokenize(5),  # type: ignore[arg-type]
    "A token must be a whole number, not 1.5.": lambda model: model.vocab.piece(1.5),  # type: ignore[arg-type]
    "A context is made for a Model, not 5.": lambda _: llamapack.Context(5),  # type: ignore[arg-type]
    "embeddings must be True or False, not 'no'.": lambda model: llamapack.Context(model, embeddings="no"),  # type: ignore[arg-type]
    "use_mmap must be True or False, not 'no'.": lambda model: llamapack.Model(model.path, use_mmap="no"),  # type: ignore[arg-type]
    "The keys of overrides must be texts, not 5.": lambda model: llamapack.Model(
        model.path,
        overrides={5: 1},  # type: ignore[dict-item]
    ),
    "A token must be a whole number, not 'a'.": lambda model: read_and(model, lambda place: place.decode(["a"])),  # type: ignore[list-item]
    "An output is named by a whole number, not 'a'.": lambda model: read_and(
        model,
        lambda place: place.outputs.logits("a"),  # type: ignore[arg-type]
    ),
    "max_tokens must be a whole number from 0 to 2147483647, not 1.5.": lambda model: llamapack.generate(
        model,
        "a",
        max_tokens=1.5,  # type: ignore[arg-type]
    ),
    "A stop string must be a str, not b'x'.": lambda model: llamapack.generate(model, "a", stop=[b"x"]),  # type: ignore[list-item]
    "There are no messages.": lambda model: llamapack.generate(model, []),
    "There are no logits in an array of shape (0,).": lambda _: llamapack.logprobs([]),  # type: ignore[arg-type]
    "A message has half of a surrogate pair, which is no text.": lambda model: llamapack.generate(
        model, "a\ud800", chat=True
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_of_the_wrong_kind_is_refused(model: llamapack.Model, message: str) -> None:
    with pytest.raises(llamapack.errors.InputError) as caught:
        WRONG[message](model)
    assert caught.value.what == message


def test_a_context_beside_its_own_parameters_is_refused(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as place:
        for options in ({"n_ctx": 256}, {"n_threads": 1}):
            with pytest.raises(llamapack.errors.InputError, match=r"^A context was given, and n_ctx or n_threads"):
                llamapack.generate(model, "a", context=place, **options)  # type: ignore[arg-type]


def test_a_generation_that_is_closed_early_has_no_reason_to_have_ended(model: llamapack.Model) -> None:
    with llamapack.generate(model, "Once upon a time", max_tokens=9, n_threads=1, n_ctx=256) as generation:
        next(generation)
    assert generation.finish_reason is None
    assert list(generation) == []
