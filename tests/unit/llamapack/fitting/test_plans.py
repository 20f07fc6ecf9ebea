"""Which plan is chosen, when a model takes 1 GiB for each layer and 1 MiB for each token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from llamapack.errors import InputError
from llamapack.fitting import Fit, fit, plans
from llamapack.runner import memory
from llamapack.runner.needs import HOST, Need

from tests.support.gguf.files import Value, encode, tiny_model

MIB = 1 << 20
GIB = 1024 * MIB
LAYERS = 2  # of the tiny model: one, and the output
TRAINED = 32_000
Find = Callable[..., Fit]


def measured(options: Mapping[str, Any], device_free: int | None) -> tuple[Need, ...]:
    per_token = MIB if options["cache_type_k"] == "f16" else MIB // 2
    cache = options["ctx_size"] * per_token
    if device_free is None:
        return (Need(device=HOST, needed=LAYERS * GIB + cache),)
    there = options.get("gpu_layers", LAYERS)
    return (
        Need(device="CUDA0", needed=there * GIB + cache * there // LAYERS, free=device_free),
        Need(device=HOST, needed=(LAYERS - there) * (GIB + cache // LAYERS)),
    )


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Find:
    path = tmp_path / "tiny.gguf"
    made = tiny_model()
    made.values["llama.context_length"] = Value(type=4, value=TRAINED)
    path.write_bytes(encode(made).data)

    def run(free: int, device_free: int | None = None, **options: Any) -> Fit:
        monkeypatch.setattr(memory, "available_memory", lambda: free)
        monkeypatch.setattr(plans, "wanted_for", lambda _, told: told)
        monkeypatch.setattr(plans, "measure_needs", lambda told: measured(told, device_free))
        return fit(path, **{"reserve": 0, **options})

    return run


def test_all_of_the_context_fits(find: Find) -> None:
    found = find(free=2 * GIB + TRAINED * MIB)
    assert found.best is found.plans[0]
    assert (found.best.context, found.best.cache_type, found.best.layers) == (TRAINED, "f16", None)
    assert found.best.options == {"ctx_size": TRAINED}
    assert "all of its context" in found.reason


def test_a_smaller_cache_has_room_for_more(find: Find) -> None:
    found = find(free=12 * GIB)
    assert [(plan.cache_type, plan.context) for plan in found.plans] == [("f16", 10 * 1024), ("q8_0", 20 * 1024)]
    assert found.best is found.plans[1]
    assert found.best.options == {"ctx_size": 20480, "cache_type_k": "q8_0", "cache_type_v": "q8_0"}
    assert "context of 20480 tokens with a KV cache of q8_0" in found.reason


def test_the_reserve_stays_free(find: Find) -> None:
    assert find(free=12 * GIB, reserve=GIB).plans[0].context == 9 * 1024
    assert find(free=0, device_free=12 * GIB, reserve=GIB).plans[0].why_not  # the machine has to keep some, too


def test_what_does_not_fit_says_why(find: Find) -> None:
    found = find(free=2 * GIB)
    assert found.best is None
    assert [plan.fits for plan in found.plans] == [False, False]
    assert found.reason == ("It does not fit: It takes 6,144 MiB of this machine, where 2,048 MiB may be taken.")


def test_one_context_is_tried_if_it_is_given(find: Find) -> None:
    found = find(free=12 * GIB, ctx_size=11 * 1024, cache_types=["q8_0", "f16"])
    assert [(plan.context, plan.fits) for plan in found.plans] == [(11 * 1024, True), (11 * 1024, False)]


def test_more_context_than_it_was_trained_with_is_said(find: Find) -> None:
    found = find(free=2 * GIB + 2 * TRAINED * MIB, ctx_size=2 * TRAINED)
    assert "gets worse" in found.reason


@pytest.mark.parametrize(
    ("device", "layers", "context"),
    [
        (2 * GIB + TRAINED * MIB, None, TRAINED),
        (6 * GIB, None, 4 * 1024),
        (2 * GIB + 100 * MIB, 0, 4096),  # all layers leave no room for 512 tokens, one takes 1 GiB and 2 of cache
        (3 * GIB, None, 1024),
        (100 * MIB, 0, 4096),
    ],
)
def test_layers_go_to_the_device_as_far_as_they_fit(find: Find, device: int, layers: int | None, context: int) -> None:
    plan = find(free=64 * GIB, device_free=device, cache_types=["f16"]).plans[0]
    assert (plan.layers, plan.context, plan.fits) == (layers, context, True)


def test_some_layers_on_the_device(find: Find) -> None:
    found = find(free=64 * GIB, device_free=3 * GIB, ctx_size=4096, cache_types=["f16"])
    assert (found.plans[0].layers, found.plans[0].options) == (1, {"ctx_size": 4096, "gpu_layers": 1})
    assert found.reason == "The devices have room for 1 of the layers; the others are on the CPU."
    assert [(each.place, each.free) for each in found.memories] == [
        ("CUDA0", 3 * GIB),
        ("this machine", 64 * GIB),
    ]


@pytest.mark.parametrize("name", ["cache_type_k", "cache_type_v", "gpu_layers"])
def test_what_is_looked_for_is_not_given(find: Find, name: str) -> None:
    with pytest.raises(InputError, match=f"fit does not take {name}"):
        find(free=GIB, **{name: 1})


@pytest.mark.parametrize(("name", "value"), [("reserve", -1), ("ctx_size", 0), ("ctx_size", "4k")])
def test_wrong_arguments(find: Find, name: str, value: object) -> None:
    with pytest.raises(InputError, match=name):
        find(free=GIB, **{name: value})
