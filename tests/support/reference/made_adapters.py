"""Small LoRA adapters and control vectors with random numbers, and the changes to the weights that they represent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np

from tests.support.reference.made_models import finish
from tests.support.reference.weights import Floats, Weights


def write_lora(
    path: Path,
    weights: Weights,
    names: Sequence[str],
    *,
    rank: int = 4,
    alpha: float = 8.0,
    seed: int = 1,
    dtype: type[np.floating] = np.float32,
) -> dict[str, Floats]:
    """Write an adapter for the weights called `names`; return what it adds to each of them at scale 1."""
    random = np.random.default_rng(seed)
    writer = new_adapter(path, alpha=alpha)
    deltas: dict[str, Floats] = {}
    for name in names:
        rows, columns = weights.tensors[f"{name}.weight"].shape
        # an embedding table is read by row, so that A and B are swapped there
        shapes = ((rows, rank), (columns, rank)) if name == "token_embd" else ((rank, columns), (rows, rank))
        a, b = (np.asarray(random.standard_normal(shape) * 0.3, dtype=dtype) for shape in shapes)
        writer.add_tensor(f"{name}.weight.lora_a", a)
        writer.add_tensor(f"{name}.weight.lora_b", b)
        wide_a, wide_b = a.astype(np.float32), b.astype(np.float32)
        product = wide_a @ wide_b.T if name == "token_embd" else wide_b @ wide_a
        deltas[name] = np.asarray(product * (alpha / rank), dtype=np.float32)
    finish(writer)
    return deltas


def new_adapter(path: Path, *, alpha: float = 8.0, architecture: str = "llama", kind: str = "lora") -> gguf.GGUFWriter:
    """Begin an adapter; the caller adds its tensors."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", kind)
    writer.add_float32("adapter.lora.alpha", alpha)
    return writer


def write_control(path: Path, directions: Mapping[int, Floats]) -> Path:
    """Write a control vector."""
    writer = gguf.GGUFWriter(path, "controlvector")
    for layer, direction in directions.items():
        writer.add_tensor(f"direction.{layer}", direction)
    finish(writer)
    return path
