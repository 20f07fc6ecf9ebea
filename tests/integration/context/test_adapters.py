"""LoRA adapters equal merged weights, control vectors equal what they add, and both come and go."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import llamapack
import numpy as np
import pytest
from llamapack.errors import ClosedError, InputError, ModelFormatError, ModelNotFoundError

from tests.support.reference.llama import Llama
from tests.support.reference.made_adapters import new_adapter, write_control, write_lora
from tests.support.reference.made_models import finish, write_model
from tests.support.reference.weights import Weights, read_weights
from tests.support.small_contexts import EXACT, TOKENS, Floats, Made, context, distance, read_all

NAMES = tuple(f"blk.{layer}.{name}" for layer in range(2) for name in ("attn_q", "attn_v", "attn_output", "ffn_down"))


@pytest.fixture(scope="module")
def weights(made_path: Callable[[str], Path]) -> Weights:
    return read_weights(made_path("llama"))


def fresh(place: llamapack.Context) -> Floats:
    """Read the tokens from the beginning."""
    place.clear()
    return read_all(place)


@pytest.mark.parametrize(("dtype", "most"), [(np.float32, 1e-3), (np.float16, 0.02)])
def test_a_lora_is_as_if_merged_into_the_weights(
    made: Made, weights: Weights, tmp_path: Path, dtype: type[np.floating], most: float
) -> None:
    deltas = write_lora(tmp_path / "lora.gguf", weights, NAMES, dtype=dtype)
    plain, merged = (Llama(weights=weights, deltas=each).run(TOKENS).logits for each in ({}, deltas))
    with (
        llamapack.LoraAdapter(made("llama"), tmp_path / "lora.gguf") as lora,
        context(made("llama"), **EXACT) as place,
    ):
        assert lora.metadata["adapter.lora.alpha"] == 8.0
        assert lora.invocation_tokens == ()
        place.adapters.set_loras(lora)
        assert place.adapters.loras == ((lora, 1.0),)
        assert distance(fresh(place), merged) < most
        assert distance(plain, merged) > 0.1
        place.adapters.set_loras()
        assert distance(fresh(place), plain) < 1e-4


def test_scales_and_several_loras_add_up(made: Made, weights: Weights, tmp_path: Path) -> None:
    one = write_lora(tmp_path / "one.gguf", weights, NAMES[:4], rank=2, alpha=3.0)
    two = write_lora(tmp_path / "two.gguf", weights, NAMES[2:], rank=7, alpha=5.0, seed=2)
    both = {name: 0.5 * one.get(name, 0) - 1.5 * two.get(name, 0) for name in NAMES}
    wanted = Llama(weights=weights, deltas=both).run(TOKENS).logits  # type: ignore[arg-type]
    loras = [llamapack.LoraAdapter(made("llama"), tmp_path / name) for name in ("one.gguf", "two.gguf")]
    with context(made("llama"), **EXACT) as place:
        place.adapters.set_loras((loras[0], 0.5), (loras[1], -1.5))
        assert distance(fresh(place), wanted) < 1e-3
        place.adapters.set_loras((loras[0], 0.0))
        assert distance(fresh(place), Llama(weights=weights).run(TOKENS).logits) < 1e-4
        place.adapters.set_loras(loras[1])
        assert distance(fresh(place), Llama(weights=weights, deltas=two).run(TOKENS).logits) < 1e-3
    for lora in loras:
        lora.close()


def test_contexts_of_one_model_have_their_own_adapters(made: Made, weights: Weights, tmp_path: Path) -> None:
    write_lora(tmp_path / "lora.gguf", weights, NAMES)
    with (
        llamapack.LoraAdapter(made("llama"), tmp_path / "lora.gguf") as lora,
        context(made("llama"), **EXACT) as one,
        context(made("llama"), **EXACT) as other,
    ):
        one.adapters.set_loras(lora)
        assert distance(fresh(one), fresh(other)) > 0.1
        other.adapters.set_loras(lora)
        assert distance(fresh(one), fresh(other)) < 1e-5


def test_a_closed_lora_stays_where_it_is_used_until_it_is_taken_off(
    made: Made, weights: Weights, tmp_path: Path
) -> None:
    write_lora(tmp_path / "lora.gguf", weights, NAMES)
    lora = llamapack.LoraAdapter(made("llama"), tmp_path / "lora.gguf")
    freed: list[str] = []
    free = lora.lifetime._free

    def freeing(pointer: Any) -> None:
        freed.append("lora")
        free(pointer)

    lora.lifetime._free = freeing
    with context(made("llama"), **EXACT) as place:
        place.adapters.set_loras(lora)
        wanted = fresh(place)
        lora.close()
        lora.close()
        assert np.array_equal(fresh(place), wanted)
        assert freed == []
        with pytest.raises(ClosedError, match=r"^This adapter is closed\."):
            place.adapters.set_loras(lora)
        place.adapters.set_loras()
        assert freed == ["lora"]
        assert distance(fresh(place), wanted) > 0.1


def test_a_collected_lora_and_a_collected_context_free_each_other(made: Made, weights: Weights, tmp_path: Path) -> None:
    write_lora(tmp_path / "lora.gguf", weights, NAMES)
    lora = llamapack.LoraAdapter(made("llama"), tmp_path / "lora.gguf")
    lifetime = lora.lifetime
    place = context(made("llama"))
    place.adapters.set_loras(lora)
    del lora
    gc.collect()
    assert not lifetime._freed
    place.decode(TOKENS)
    del place
    gc.collect()
    assert lifetime._freed


def test_closing_a_model_closes_its_adapters(
    made_path: Callable[[str], Path], weights: Weights, tmp_path: Path
) -> None:
    write_lora(tmp_path / "lora.gguf", weights, NAMES)
    model = llamapack.Model(made_path("llama"))
    lora, place = llamapack.LoraAdapter(model, tmp_path / "lora.gguf"), context(model)
    place.adapters.set_loras(lora)
    model.close()
    assert (lora.closed, place.closed, lora.lifetime._freed, model.lifetime._freed) == (True, True, True, True)


def test_wrong_loras_and_scales_are_refused(made: Made, weights: Weights, tmp_path: Path) -> None:
    write_lora(tmp_path / "lora.gguf", weights, NAMES)
    with llamapack.LoraAdapter(made("llama"), tmp_path / "lora.gguf") as lora:
        with context(made("llama")) as place:
            for wrong in (float("nan"), float("inf"), True, "1"):
                with pytest.raises(InputError, match=r"^A scale must be a finite number"):
                    place.adapters.set_loras((lora, wrong))  # type: ignore[arg-type]
            with pytest.raises(InputError, match=r"is given twice\."):
                place.adapters.set_loras(lora, (lora, 2.0))
        with context(made("wide")) as place, pytest.raises(InputError, match=r"was loaded for another model\."):
            place.adapters.set_loras(lora)


def spoiled(path: Path, spoil: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """Write an adapter, of which `spoil` changes the metadata or the tensors."""
    metadata: dict[str, Any] = {"architecture": "llama", "kind": "lora", "alpha": 8.0}
    a, b = np.ones((4, 64), dtype=np.float32), np.ones((64, 4), dtype=np.float32)
    tensors: dict[str, Any] = {"blk.0.attn_q.weight.lora_a": a, "blk.0.attn_q.weight.lora_b": b}
    spoil(metadata, tensors)
    replaced = metadata.pop("replaced", {})
    writer = new_adapter(path, **metadata)
    for key, (value, kind) in replaced.items():
        del writer.kv_data[0][key]
        writer.add_key_value(key, value, kind)
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    finish(writer)
    return path


def reshaped(
    a: tuple[int, ...], b: tuple[int, ...], name: str = "blk.0.attn_q"
) -> Callable[[Any, dict[str, Any]], None]:
    def spoil(_: Any, tensors: dict[str, Any]) -> None:
        tensors.clear()
        tensors[f"{name}.weight.lora_a"] = np.ones(a, dtype=np.float32)
        tensors[f"{name}.weight.lora_b"] = np.ones(b, dtype=np.float32)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda metadata, _: metadata.update(architecture="gpt2"), "It is for 'gpt2', the model is 'llama'."),
        (lambda metadata, _: metadata.update(kind="dora"), "Its adapter.type must be 'lora', but is 'dora'."),
        (
            lambda metadata, _: metadata.update(replaced={"general.type": (1, gguf.GGUFValueType.UINT32)}),
            "Its general.type must be 'adapter', but is 1.",
        ),
        (
            lambda metadata, _: metadata.update(replaced={"adapter.lora.alpha": (8, gguf.GGUFValueType.UINT32)}),
            "Its adapter.lora.alpha must be a 32-bit float.",
        ),
        (
            lambda metadata, _: metadata.update(replaced={"adapter.lora.alpha": (8.0, gguf.GGUFValueType.FLOAT64)}),
            "Its adapter.lora.alpha must be a 32-bit float.",
        ),
        (lambda _, tensors: tensors.pop("blk.0.attn_q.weight.lora_b"), "'blk.0.attn_q.weight.lora_a' has no lora_b"),
        (lambda _, tensors: tensors.pop("blk.0.attn_q.weight.lora_a"), "'blk.0.attn_q.weight.lora_b' has no lora_a"),
        (
            lambda _, tensors: tensors.update(other=np.ones(2, dtype=np.float32)),
            "The tensor 'other' belongs to no LoRA.",
        ),
        (
            lambda _, tensors: tensors.update({"blk.0.attn_q.weight.lora_a": np.ones((4, 64), dtype=np.int32)}),
            "The tensor 'blk.0.attn_q.weight.lora_a' is of type I32; it must be F32, F16 or BF16.",
        ),
        (reshaped((4, 64), (64, 4), "blk.9.attn_q"), "The model has no tensor 'blk.9.attn_q.weight'."),
        (reshaped((4, 32), (64, 4)), "The tensors of 'blk.0.attn_q.weight' have the shapes"),
        (reshaped((4, 64), (32, 4)), "The tensors of 'blk.0.attn_q.weight' have the shapes"),
        (reshaped((4, 64), (64, 5)), "The tensors of 'blk.0.attn_q.weight' have the shapes"),
        (reshaped((2, 4, 64), (2, 64, 4)), "The tensors of 'blk.0.attn_q.weight' have the shapes"),
        (reshaped((96, 4), (64, 5), "token_embd"), "The tensors of 'token_embd.weight' have the shapes"),
        (reshaped((96, 4), (64, 4), "token_embd"), "The model's output uses 'token_embd.weight', too"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_the_reason(
    made: Made, tmp_path: Path, spoil: Callable[[dict[str, Any], dict[str, Any]], None], why: str
) -> None:
    path = spoiled(tmp_path / "lora.gguf", spoil)
    with pytest.raises(ModelFormatError) as caught:
        llamapack.LoraAdapter(made("llama"), path)
    assert caught.value.what == f"The adapter {path} cannot be used with this model."
    assert caught.value.why.startswith(why)


def test_missing_cut_and_foreign_files_are_refused(made: Made, weights: Weights, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        llamapack.LoraAdapter(made("llama"), tmp_path / "none.gguf")
    write_lora(tmp_path / "lora.gguf", weights, NAMES)
    data = (tmp_path / "lora.gguf").read_bytes()
    for length in (0, 3, 100, len(data) // 2, len(data) - 300):
        (tmp_path / "cut.gguf").write_bytes(data[:length])
        with pytest.raises(ModelFormatError):
            llamapack.LoraAdapter(made("llama"), tmp_path / "cut.gguf")


def test_a_lora_of_the_token_table_is_as_if_merged(tmp_path: Path) -> None:
    path = write_model(tmp_path / "untied.gguf", "untied")
    weights = read_weights(path)
    deltas = write_lora(tmp_path / "lora.gguf", weights, ["token_embd", "output"])
    wanted = Llama(weights=weights, deltas=deltas).run(TOKENS).logits
    with llamapack.Model(path) as model, context(model, **EXACT) as place:
        place.adapters.set_loras(llamapack.LoraAdapter(model, tmp_path / "lora.gguf"))
        assert distance(fresh(place), wanted) < 1e-3


@pytest.fixture
def directions() -> dict[int, Floats]:
    """A direction for the one layer of the made model that can have one."""
    return {1: np.random.default_rng(3).standard_normal(64).astype(np.float32)}


def test_control_vectors_add_to_layers_scaled_and_together(
    made: Made, weights: Weights, directions: dict[int, Floats], tmp_path: Path
) -> None:
    loaded = llamapack.ControlVector.load(write_control(tmp_path / "control.gguf", directions))
    assert loaded.directions.keys() == {1}
    wanted = Llama(weights=weights, directions={1: directions[1] * 1.5}).run(TOKENS).logits
    plain = Llama(weights=weights).run(TOKENS).logits
    with context(made("llama"), **EXACT) as place:
        place.adapters.set_control((loaded, 2.0), (llamapack.ControlVector(directions), -0.5))
        assert distance(fresh(place), wanted) < 1e-3
        assert distance(plain, wanted) > 0.1
        place.adapters.set_control()
        assert distance(fresh(place), plain) < 1e-4
        place.adapters.set_control(loaded)
        place.adapters.clear()
        assert distance(fresh(place), plain) < 1e-4


def test_control_vectors_can_be_limited_to_layers(tmp_path: Path) -> None:
    path = write_model(tmp_path / "deep.gguf", "llama", n_layer=5)
    random = np.random.default_rng(3)
    directions = {layer: random.standard_normal(64).astype(np.float32) for layer in (1, 2, 4)}
    reference = Llama(weights=read_weights(path), directions={2: directions[2]})
    with llamapack.Model(path) as model, context(model, **EXACT) as place:
        place.adapters.set_control(llamapack.ControlVector(directions), layers=(2, 3))
        assert distance(fresh(place), reference.run(TOKENS).logits) < 1e-3


def test_wrong_control_vectors_are_refused(made: Made, directions: dict[int, Floats], tmp_path: Path) -> None:
    row = directions[1]
    for wrong in ({}, {0: row}, {1: row.reshape(2, 32)}, {1: row * np.float32("nan")}):
        with pytest.raises(InputError):
            llamapack.ControlVector(wrong)
    with context(made("llama")) as place:
        for wrong in ({2: row}, {1: row[:63]}):
            with pytest.raises(
                InputError, match=r"^A direction of 6[34] numbers for layer [12] does not fit the model"
            ):
                place.adapters.set_control(llamapack.ControlVector(wrong))
        vector = llamapack.ControlVector(directions)
        with pytest.raises(InputError, match=r"^A scale must be a finite number"):
            place.adapters.set_control((vector, float("nan")))
        for layers in ((0, 1), (1, 2), (2, 1)):
            with pytest.raises(InputError, match=r"^The (first|last) layer must be a whole number"):
                place.adapters.set_control(vector, layers=layers)
        place.decode(TOKENS)
    writer = gguf.GGUFWriter(tmp_path / "empty.gguf", "controlvector")
    finish(writer)
    with pytest.raises(ModelFormatError, match="holds no control vector"):
        llamapack.ControlVector.load(tmp_path / "empty.gguf")
    write_control(tmp_path / "wide.gguf", {1: row.reshape(2, 32)})
    with pytest.raises(ModelFormatError, match="is not a row of 32-bit floats"):
        llamapack.ControlVector.load(tmp_path / "wide.gguf")
