"""An independent forward pass of the llama architecture in numpy, to compare llama.cpp's numbers with.

Written from the papers: RMSNorm, rotary positions (on neighbouring pairs, as in GGUF's llama), attention with fewer key
and value heads than query heads, SwiGLU. With sections it is Qwen2-VL's: positions of several dimensions, on pairs of
which one half is in the first half of a head, and biases of queries, keys and values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.support.reference.weights import Floats, Weights


@dataclass(frozen=True, kw_only=True)
class Result:
    """The outputs for each token: the normalized output of the last layer, and the logits computed from it."""

    hidden: Floats
    logits: Floats


@dataclass(frozen=True, kw_only=True)
class Llama:
    """A model of the llama architecture.

    `deltas` are added to weights by name, as a merged LoRA is. `directions` are added to the output of a layer. `mask`
    says for each row which rows it sees, instead of `causal`. `sections` says how many pairs of a head are rotated by
    each dimension of the positions.
    """

    weights: Weights
    deltas: Mapping[str, Floats] = field(default_factory=dict)
    directions: Mapping[int, Floats] = field(default_factory=dict)
    rope_base: float | None = None
    rope_scale: float = 1.0
    causal: bool = True
    mask: NDArray[np.bool_] | None = None
    sections: Sequence[int] = ()

    def run(
        self,
        tokens: Sequence[int] | None = None,
        *,
        rows: Floats | None = None,
        first: int = 0,
        positions: NDArray[np.int64] | None = None,
    ) -> Result:
        """Process `tokens`, or rows of embeddings instead, at the positions from `first` on.

        With sections, `positions` has a row for each dimension.
        """
        x = self._weight("token_embd")[np.asarray(tokens)] if rows is None else np.asarray(rows, dtype=np.float32)
        if positions is None:
            positions = np.arange(first, first + len(x))
        for layer in range(int(self.weights.number("block_count"))):
            x = x + self._attention(self._norm(x, f"blk.{layer}.attn_norm"), layer, positions)
            x = x + self._feed_forward(self._norm(x, f"blk.{layer}.ffn_norm"), layer)
            if layer in self.directions:
                x = x + self.directions[layer]
        hidden = self._norm(x, "output_norm")
        head = "output" if "output.weight" in self.weights.tensors else "token_embd"
        return Result(hidden=hidden, logits=hidden @ self._weight(head).T)

    def _weight(self, name: str) -> Floats:
        tensor = self.weights.tensors[f"{name}.weight"]
        return tensor + self.deltas[name] if name in self.deltas else tensor

    def _bias(self, layer: int, name: str) -> Floats:
        return self.weights.tensors.get(f"blk.{layer}.attn_{name}.bias", np.zeros(1, dtype=np.float32))

    def _norm(self, x: Floats, name: str) -> Floats:
        epsilon = np.float32(self.weights.number("attention.layer_norm_rms_epsilon"))
        scale = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon)
        return np.asarray(x / scale * self._weight(name), dtype=np.float32)

    def _attention(self, x: Floats, layer: int, positions: np.ndarray) -> Floats:
        heads = int(self.weights.number("attention.head_count"))
        groups = int(self.weights.number("attention.head_count_kv", heads))
        q, k, v = (x @ self._weight(f"blk.{layer}.attn_{name}").T + self._bias(layer, name) for name in "qkv")
        q = self._rotated(q.reshape(len(x), heads, -1), positions)
        k = self._rotated(k.reshape(len(x), groups, -1), positions).repeat(heads // groups, axis=1)
        v = v.reshape(len(x), groups, -1).repeat(heads // groups, axis=1)
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(np.float32(q.shape[-1]))
        mask = np.tril(np.ones(scores.shape[1:], dtype=bool)) if self.causal and self.mask is None else self.mask
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores = scores / scores.sum(axis=-1, keepdims=True)
        mixed = np.einsum("hqk,khd->qhd", scores, v).reshape(len(x), -1)
        return np.asarray(mixed @ self._weight(f"blk.{layer}.attn_output").T, dtype=np.float32)

    def _rotated(self, x: Floats, positions: np.ndarray) -> Floats:
        size = x.shape[-1]
        base = self.rope_base or self.weights.number("rope.freq_base", 10000)
        frequencies = base ** (-np.arange(0, size, 2, dtype=np.float64) / size)
        if self.sections:
            positions = positions[np.repeat(np.arange(len(self.sections)), self.sections)].T
            angles = positions * self.rope_scale * frequencies
        else:
            angles = (positions * self.rope_scale)[:, None] * frequencies
        cos, sin = (np.asarray(part, dtype=np.float32)[:, None, :] for part in (np.cos(angles), np.sin(angles)))
        if self.sections:
            first, second = np.split(x, 2, axis=-1)
            return np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)
        even, odd = x[..., 0::2], x[..., 1::2]
        return np.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(x.shape)

    def _feed_forward(self, x: Floats, layer: int) -> Floats:
        gate = x @ self._weight(f"blk.{layer}.ffn_gate").T
        up = x @ self._weight(f"blk.{layer}.ffn_up").T
        return np.asarray((gate / (1 + np.exp(-gate)) * up) @ self._weight(f"blk.{layer}.ffn_down").T, dtype=np.float32)
