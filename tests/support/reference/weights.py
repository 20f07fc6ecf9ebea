"""Weights and metadata of a GGUF file as numpy arrays, read by the `gguf` package without any of llamapack's code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Metadata by key, and tensors as 32-bit floats by name; a matrix has one row per output."""

    metadata: dict[str, Any]
    tensors: dict[str, Floats]

    def number(self, key: str, default: float | None = None) -> float:
        """Return the number under `llama.<key>`."""
        value = self.metadata.get(f"{self.metadata['general.architecture']}.{key}", default)
        assert value is not None, key
        return float(value)


def read_weights(path: Path) -> Weights:
    """Read the file at `path`, and dequantize all tensors."""
    reader = gguf.GGUFReader(path)
    metadata = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("tokenizer.")}
    return Weights(metadata=metadata, tensors={tensor.name: _floats(tensor) for tensor in reader.tensors})


def _floats(tensor: gguf.ReaderTensor) -> Floats:
    kind, shape = tensor.tensor_type, tuple(int(length) for length in reversed(tensor.shape))
    if kind in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16):
        return np.array(tensor.data, dtype=np.float32)
    # all blocks at once: gguf.dequantize processes 16 rows at a time, which takes a minute
    blocks = np.asarray(tensor.data).reshape(-1, gguf.GGML_QUANT_SIZES[kind][1])
    found: Floats = getattr(gguf.quants, kind.name).dequantize_blocks(blocks).reshape(shape)
    return found
