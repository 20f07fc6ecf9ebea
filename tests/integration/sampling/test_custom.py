"""Stages that are Python functions: they change logits, and what they raise comes out."""

from __future__ import annotations

import gc
import math
from pathlib import Path
from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack.errors import InputError
from llamapack.sampling import Custom, Dist, Greedy, Sampler, TopK, TopP

from tests.support.children import python

LOGITS = np.arange(10.0)


def test_a_function_may_change_logits_in_place_or_return_others() -> None:
    def refuse_even(ids: Any, logits: Any) -> None:
        logits[ids % 2 == 0] = -math.inf

    with Sampler.chain([Custom(refuse_even), Greedy()]) as sampler:
        assert sampler.names == ("custom", "greedy")
        assert sampler.apply(LOGITS).selected == 9
    with Sampler.chain([Custom(lambda ids, logits: -logits), Greedy()]) as sampler:
        assert sampler.apply(LOGITS).selected == 0


def test_it_sees_what_is_left_and_the_next_stage_sees_what_it_gave() -> None:
    seen: list[list[int]] = []

    def swap(ids: Any, logits: Any) -> Any:
        seen.append(sorted(ids.tolist()))
        return np.where(ids == 8, 50.0, logits)

    with Sampler.chain([TopK(3), Custom(swap), TopP(0.5), Greedy()]) as sampler:
        assert sampler.apply(LOGITS).ids.tolist() == [8]
    assert seen == [[7, 8, 9]]


def test_arrays_may_be_kept() -> None:
    kept: list[Any] = []
    with Sampler.chain([Custom(lambda ids, logits: kept.extend((ids, logits))), Greedy()]) as sampler:
        sampler.apply(LOGITS)
    gc.collect()
    assert (kept[0].tolist(), kept[1].tolist()) == (list(range(10)), LOGITS.tolist())


def test_what_it_raises_comes_out_and_the_sampler_goes_on(model: llamapack.Model) -> None:
    fails = True

    def fail(_ids: Any, _logits: Any) -> None:
        if fails:
            raise KeyError("from the function")

    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        context.decode(model.vocab.tokenize("The capital of France is"))
        with Sampler.chain([Custom(fail), TopK(5), Greedy()]) as sampler:
            for use in (lambda: sampler.sample(context), lambda: sampler.apply(LOGITS)):
                with pytest.raises(KeyError, match="from the function"):
                    use()
            assert sampler.perf.tokens == 0
            fails = False
            assert model.vocab.piece(sampler.sample(context)) == b" Paris"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0, 2.0], "A custom stage must give 10 logits, not an array of shape (2,)."),
        ([math.nan] * 10, "A custom stage gave a logit that is infinite or not a number."),
        ([math.inf] * 10, "A custom stage gave a logit that is infinite or not a number."),
    ],
)
def test_what_it_gives_is_checked(given: list[float], message: str) -> None:
    with Sampler.chain([Custom(lambda ids, logits: np.array(given)), Dist()], seed=1) as sampler:
        with pytest.raises(InputError) as caught:
            sampler.apply(LOGITS)
        assert str(caught.value) == message


def test_a_copy_and_a_removed_stage_are_safe() -> None:
    first = Sampler.chain([Custom(lambda ids, logits: -logits), Greedy()])
    second = first.copy()
    first.close()
    del first
    gc.collect()
    assert second.apply(LOGITS).selected == 0
    second.remove(0)
    assert second.apply(LOGITS).selected == 9
    second.close()


def test_a_sampler_left_open_at_exit_is_freed_without_a_word(model_path: Path) -> None:
    code = """
import sys, llamapack
from llamapack.sampling import Custom, Greedy, Sampler
model = llamapack.Model(sys.argv[1])
answer = llamapack.generate(model, "Hello", max_tokens=2, n_threads=1,
                            sampler=Sampler.chain([Custom(lambda ids, logits: None), Greedy()]))
print(next(answer) != "")
"""
    answer = python(code, model_path)
    assert (answer.status, answer.out, answer.err) == (0, "True\n", "")
