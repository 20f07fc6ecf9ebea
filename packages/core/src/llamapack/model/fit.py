"""How many layers fit on the GPUs: sizes from the GGUF header, measured free memory, and a reserve.

llama.cpp counts the output as one more layer, and puts the last layers on the GPUs first: n_gpu_layers=1 means only the
output. The layers on the GPUs are distributed over the devices in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from llamapack.gguf import Array, Gguf

DEFAULT_RESERVE = 512 << 20  # for what is unknown: the driver's own memory, fragmentation, the display
_UBATCH = 512
_BLOCK = re.compile(r"(?:^|\.)blk\.(\d+)\.")
_INPUTS = ("token_embd", "per_layer_token_embd", "position_embd", "token_types")


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Bytes of each layer's weights, the output last, and what a context adds per layer and per device."""

    weights: tuple[int, ...]
    cache: tuple[int, ...]
    computing: int

    @property
    def count(self) -> int:
        """The number of layers, including the output."""
        return len(self.weights)

    def needed(self, layer: int) -> int:
        """Return the bytes of a layer with its part of the KV cache."""
        return self.weights[layer] + self.cache[layer]


@dataclass(frozen=True, kw_only=True)
class DeviceMemory:
    """The memory of one device, in bytes; a total of 0 means unknown."""

    name: str
    free: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How many layers go to the GPUs, and in which proportions; empty proportions mean by free memory."""

    n_gpu_layers: int
    tensor_split: tuple[float, ...] | None = None


def read_sizes(gguf: Gguf, n_ctx: int) -> Sizes:
    """Compute the sizes from the header of a model, for a context of `n_ctx` tokens with a 16-bit cache."""
    numbers = _Numbers(gguf)
    count = numbers.one("block_count") or 1 + max(_blocks(gguf), default=-1)
    weights, output, inputs = [0] * count, 0, 0
    for name, tensor in gguf.tensors.items():
        block = _BLOCK.search(name)
        if block and int(block[1]) < count:
            weights[int(block[1])] += tensor.size
        elif name.startswith(_INPUTS):
            inputs += tensor.size if name == "token_embd.weight" else 0
        else:
            output += tensor.size
    if "output.weight" not in gguf.tensors:
        output += inputs  # both use the same table, and the GPU gets a copy of it
    per_token = _cache_numbers(numbers, count)
    return Sizes(
        weights=(*weights, output),
        cache=(*(2 * n_ctx * each for each in per_token), 0),
        computing=_computing(numbers, gguf),
    )


def fit(
    sizes: Sizes, memories: Sequence[DeviceMemory], reserve: int, split: Sequence[float] | None = None
) -> Placement:
    """Place as many layers as fit, in the proportions of `split` if it is given.

    Each device that gets layers keeps `reserve` bytes free, beside the memory for the computation.
    """
    capacity = [max(0, memory.free - reserve - sizes.computing) if memory.total else 0 for memory in memories]
    for layers in range(sizes.count, 0, -1):
        taken = [sizes.needed(layer) for layer in range(sizes.count - layers, sizes.count)]
        shares = _share(taken, split or [memory.free for memory in memories])
        if all(sum(share) <= available for share, available in zip(shares, capacity, strict=True)):
            return Placement(n_gpu_layers=layers, tensor_split=tuple(split) if split else None)
        counts = None if split else _pack(taken, capacity)
        if counts:
            return Placement(n_gpu_layers=layers, tensor_split=tuple(float(count) for count in counts))
    return Placement(n_gpu_layers=0)


def shortage(
    sizes: Sizes, memories: Sequence[DeviceMemory], layers: int, split: Sequence[float] | None = None
) -> tuple[DeviceMemory, int] | None:
    """Return the first device that cannot hold even the weights it would get, and their bytes; None if all can."""
    layers = min(layers, sizes.count)
    shares = _share(sizes.weights[sizes.count - layers :], split or [memory.free for memory in memories])
    for memory, share in zip(memories, shares, strict=True):
        if memory.total and sum(share) > memory.free:
            return memory, sum(share)
    return None


def _share(taken: Sequence[int], split: Sequence[float]) -> list[list[int]]:
    """Distribute layers as llama.cpp does: by comparing each layer's fraction with the cumulative proportions."""
    padded = [*split]
    total = sum(padded) or 1.0
    ends = [end / total for end in accumulate(padded)] if sum(padded) else [1.0] * len(padded)
    shares: list[list[int]] = [[] for _ in padded]
    for place, size in enumerate(taken):
        device = next((index for index, end in enumerate(ends) if end > place / len(taken)), len(ends) - 1)
        shares[device].append(size)
    return shares


def _pack(taken: Sequence[int], capacity: Sequence[int]) -> list[int] | None:
    """Fill one device after the other; return the number of layers for each, or None if they do not fit."""
    counts, index = [0] * len(capacity), 0
    left = list(capacity)
    for size in taken:
        while index < len(left) and left[index] < size:
            index += 1
        if index == len(left):
            return None
        left[index] -= size
        counts[index] += 1
    return counts


def _cache_numbers(numbers: _Numbers, count: int) -> Iterator[int]:
    """Yield how many numbers per token the KV cache keeps in each layer; a sliding window counts as a full one."""
    embedding, heads = numbers.one("embedding_length"), numbers.each("attention.head_count", count)
    pairs = numbers.each("attention.head_count_kv", count) or heads
    latent = numbers.one("attention.kv_lora_rank")
    for layer in range(count):
        if not pairs or not heads or not heads[layer]:
            yield 0
        elif latent:
            yield latent + numbers.one("rope.dimension_count")
        else:
            width = embedding // heads[layer]
            key = numbers.one("attention.key_length") or width
            yield pairs[layer] * (key + (numbers.one("attention.value_length") or width))


def _computing(numbers: _Numbers, gguf: Gguf) -> int:
    """Estimate the working memory of a batch: the logits, and the intermediate results of a layer."""
    table = gguf.tensors.get("output.weight") or gguf.tensors.get("token_embd.weight")
    vocabulary = table.shape[1] if table and len(table.shape) > 1 else 0
    widest = max(numbers.each("feed_forward_length", 1) or (0,))
    return 4 * _UBATCH * (vocabulary + 8 * numbers.one("embedding_length") + 3 * widest)


def _blocks(gguf: Gguf) -> Iterator[int]:
    for name in gguf.tensors:
        if found := _BLOCK.search(name):
            yield int(found[1])


class _Numbers:
    """Integers from the metadata, by keys without the architecture's prefix."""

    def __init__(self, gguf: Gguf) -> None:
        self._metadata: Mapping[str, object] = gguf.metadata
        self._architecture = gguf.metadata.get("general.architecture", "")

    def one(self, key: str) -> int:
        """Return the number, or 0 if it is missing."""
        value = self._metadata.get(f"{self._architecture}.{key}")
        return value if isinstance(value, int) else 0

    def each(self, key: str, count: int) -> tuple[int, ...]:
        """Return the number for each of `count` layers; empty if it is missing."""
        value = self._metadata.get(f"{self._architecture}.{key}")
        if isinstance(value, Array):
            numbers = tuple(int(each) for each in value if isinstance(each, int))
            return (numbers + (0,) * count)[: max(count, len(numbers))]
        return (value,) * count if isinstance(value, int) else ()
