"""How many layers fit, told from made headers and made devices."""

from __future__ import annotations

from pathlib import Path

import pytest
from llamapack import gguf
from llamapack.gguf.formats import ValueType
from llamapack.model.fit import DeviceMemory, Placement, Sizes, fit, read_sizes, shortage

from tests.support.gguf.files import Description, TensorData, Value, Values, array, encode, text, uint32

MB = 1 << 20
MODEL = Sizes(weights=(100 * MB,) * 4 + (200 * MB,), cache=(10 * MB,) * 4 + (0,), computing=50 * MB)


def tensor(name: str, *shape: int) -> TensorData:
    count = 1
    for length in shape:
        count *= length
    return TensorData(name=name, shape=shape, type=0, data=b"\0" * 4 * count)


def memory(free: int, name: str = "GPU0", total: int = 10_000) -> DeviceMemory:
    return DeviceMemory(name=name, free=free * MB, total=total * MB)


def made(tmp_path: Path, *extra: TensorData, **values: Value) -> gguf.Gguf:
    known: Values = {
        "general.architecture": text("llama"),
        "llama.block_count": uint32(2),
        "llama.embedding_length": uint32(64),
        "llama.attention.head_count": uint32(4),
        "llama.attention.head_count_kv": uint32(2),
        "llama.feed_forward_length": uint32(128),
        **{f"llama.{name.replace('__', '.')}": value for name, value in values.items()},
    }
    tensors = (
        tensor("token_embd.weight", 64, 10),
        tensor("blk.0.attn_q.weight", 64, 64),
        tensor("blk.1.attn_q.weight", 64, 32),
        tensor("output_norm.weight", 64),
        *extra,
    )
    path = tmp_path / "model.gguf"
    path.write_bytes(encode(Description(values=known, tensors=tensors)).data)
    return gguf.read(path)


def test_sizes_are_those_of_the_tensors(tmp_path: Path) -> None:
    sizes = read_sizes(made(tmp_path, tensor("output.weight", 64, 10)), n_ctx=100)
    assert sizes.weights == (4 * 64 * 64, 4 * 64 * 32, 4 * 64 + 4 * 640)
    # two heads of 16 for keys and for values, of two bytes each
    assert sizes.cache == (100 * 2 * 64, 100 * 2 * 64, 0)
    assert sizes.computing == 4 * 512 * (10 + 8 * 64 + 3 * 128)


def test_a_shared_embedding_is_copied_for_the_output(tmp_path: Path) -> None:
    assert read_sizes(made(tmp_path), n_ctx=1).weights[-1] == 4 * 64 + 4 * 640


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        ({"attention__key_length": uint32(24), "attention__value_length": uint32(8)}, (64, 64)),
        (
            {"attention__head_count_kv": array(ValueType.INT32, [2, 0])},
            (64, 0),  # a layer without attention
        ),
        ({"attention__kv_lora_rank": uint32(40), "rope__dimension_count": uint32(8)}, (48, 48)),
        ({"attention__head_count": uint32(0)}, (0, 0)),
    ],
)
def test_the_cache_goes_by_the_heads(tmp_path: Path, values: dict[str, Value], numbers: tuple[int, ...]) -> None:
    assert read_sizes(made(tmp_path, **values), n_ctx=1).cache == (*(2 * each for each in numbers), 0)


@pytest.mark.parametrize(
    ("memories", "split", "expected"),
    [
        ([memory(690)], None, Placement(n_gpu_layers=5)),  # 640 and 50 for computing
        ([memory(689)], None, Placement(n_gpu_layers=4)),
        ([memory(359)], None, Placement(n_gpu_layers=1)),
        ([memory(249)], None, Placement(n_gpu_layers=0)),
        ([memory(0, total=0)], None, Placement(n_gpu_layers=0)),  # nobody knows how much it has
        # by free memory: three layers of five for the first
        ([memory(600), memory(400, "GPU1")], None, Placement(n_gpu_layers=5)),
        # two of five for the first
        ([memory(280), memory(470, "GPU1")], None, Placement(n_gpu_layers=5)),
        # and here three for the first, which holds four; the second holds one
        ([memory(495), memory(330, "GPU1")], None, Placement(n_gpu_layers=5, tensor_split=(4.0, 1.0))),
        ([memory(2000), memory(2000, "GPU1")], (1, 0), Placement(n_gpu_layers=5, tensor_split=(1, 0))),
        ([memory(300), memory(2000, "GPU1")], (1, 1), Placement(n_gpu_layers=4, tensor_split=(1, 1))),
    ],
)
def test_as_many_layers_as_fit_are_placed(
    memories: list[DeviceMemory], split: tuple[float, ...] | None, expected: Placement
) -> None:
    assert fit(MODEL, memories, 0, split) == expected


def test_the_reserve_stays_free() -> None:
    assert fit(MODEL, [memory(690)], MB).n_gpu_layers == 4


@pytest.mark.parametrize(
    ("memories", "layers", "short"),
    [
        ([memory(600)], 5, None),
        ([memory(599)], 5, ("GPU0", 600 * MB)),
        ([memory(599)], 99, ("GPU0", 600 * MB)),
        ([memory(599)], 4, None),
        ([memory(0, total=0)], 5, None),
        ([memory(400), memory(199, "GPU1")], 5, ("GPU1", 200 * MB)),
    ],
)
def test_weights_that_cannot_fit_are_noticed(
    memories: list[DeviceMemory], layers: int, short: tuple[str, int] | None
) -> None:
    found = shortage(MODEL, memories, layers)
    assert (None if found is None else (found[0].name, found[1])) == short
