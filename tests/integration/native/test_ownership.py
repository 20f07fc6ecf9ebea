"""Objects that own native memory cannot be copied, and free it as soon as nobody has them."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llamapack
import pytest
from llamapack._native.owner import Lifetime, Owner
from llamapack.sampling import Greedy, Sampler

Make = Callable[[llamapack.Model], object]
OWNERS: dict[str, Make] = {
    "Model": lambda model: model,
    "Context": lambda model: llamapack.Context(model, n_ctx=256, n_threads=1),
    "Sampler": lambda model: Sampler.chain([Greedy()]),
    "ChatTemplate": llamapack.ChatTemplate,
    "Generation": lambda model: llamapack.generate(model, "x", n_ctx=256, n_threads=1),
}


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Let nothing be freed but by the last reference to it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"])
@pytest.mark.parametrize("kind", OWNERS)
def test_an_owner_cannot_be_copied(model: llamapack.Model, kind: str, copied: Callable[[object], object]) -> None:
    made = OWNERS[kind](model)
    with pytest.raises(TypeError, match=f"^cannot copy or pickle a {kind}: "):
        copied(made)
    if made is not model:
        made.close()  # type: ignore[attr-defined]  # all of them have it


def test_no_owner_allows_copies_again() -> None:
    kinds: list[type[Owner[Any]]] = [Owner]
    for kind in kinds:
        kinds += kind.__subclasses__()
    changed = [kind for kind in kinds if {"__copy__", "__deepcopy__", "__reduce__", "__getstate__"} & {*vars(kind)}]
    assert changed == []


def test_leaving_a_generation_frees_its_context_at_once(model: llamapack.Model, without_collector: None) -> None:
    lifetimes: list[Lifetime[Any]] = []
    for _ in range(2):
        generation = llamapack.generate(model, "Once upon a time", n_ctx=256, n_threads=1, temperature=0)
        lifetimes.append(generation.context.lifetime)
        for _piece in generation:
            break
        del generation
    assert [lifetime._freed for lifetime in lifetimes] == [True, True]


def test_a_context_is_freed_with_its_last_reference(model: llamapack.Model, without_collector: None) -> None:
    place = llamapack.Context(model, n_ctx=256, n_threads=1)
    place.decode([1, 2, 3])
    assert place.outputs.logits().any()
    assert place.memory.bounds() == (0, 2)
    assert place.adapters.loras == ()
    assert place.state.to_bytes()
    lifetime, alive = place.lifetime, weakref.ref(place)
    del place
    assert (alive(), lifetime._freed) == (None, True)


def test_a_model_is_freed_with_its_last_reference(made_path: Callable[[str], Path], without_collector: None) -> None:
    model = llamapack.Model(made_path("llama"))
    assert len(model.vocab) == model.n_vocab
    assert model.metadata["general.architecture"] == "llama"
    vocab, lifetime = model.vocab, model.lifetime
    assert model.vocab is vocab
    del model
    assert not lifetime._freed  # the vocabulary keeps it
    del vocab
    assert lifetime._freed
